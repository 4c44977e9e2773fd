// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falco

// A Release is a published version of Falco.
type Release struct {
	Version string
	Date    string // such as "2026-06-11"
}

// Releases returns every release that the table was made for, oldest first. It
// ends with the newest that the tests install. Sources: falcosecurity/falco
// CHANGELOG.md, the tag for 0.42.1, and for 0.45.0
// https://github.com/falcosecurity/falco/pull/4012.
func Releases() []Release {
	return []Release{
		{"0.32.0", "2022-06-03"},
		{"0.32.1", "2022-07-11"},
		{"0.32.2", "2022-08-09"},
		{"0.33.0", "2022-10-19"},
		{"0.33.1", "2022-11-24"},
		{"0.34.0", "2023-02-07"},
		{"0.34.1", "2023-02-20"},
		{"0.35.0", "2023-06-07"},
		{"0.35.1", "2023-06-29"},
		{"0.36.0", "2023-09-26"},
		{"0.36.1", "2023-10-16"},
		{"0.36.2", "2023-10-27"},
		{"0.37.0", "2024-01-30"},
		{"0.37.1", "2024-02-13"},
		{"0.38.0", "2024-05-30"},
		{"0.38.1", "2024-06-19"},
		{"0.38.2", "2024-08-19"},
		{"0.39.0", "2024-10-01"},
		{"0.39.1", "2024-10-09"},
		{"0.39.2", "2024-11-21"},
		{"0.40.0", "2025-01-28"},
		{"0.41.0", "2025-05-29"},
		{"0.41.1", "2025-06-05"},
		{"0.41.2", "2025-06-17"},
		{"0.41.3", "2025-07-01"},
		{"0.42.0", "2025-10-22"},
		{"0.42.1", "2025-11-06"},
		{"0.43.0", "2026-01-28"},
		{"0.43.1", "2026-04-09"},
		{"0.44.0", "2026-05-26"},
		{"0.44.1", "2026-06-11"},
		{"0.45.0", "2026-09-21"},
	}
}

// Newest returns the newest version of [Releases].
func Newest() string {
	all := Releases()
	return all[len(all)-1].Version
}

// published returns the versions of [Releases].
func published() []version {
	var all []version
	for _, r := range Releases() {
		all = append(all, dotted(r.Version))
	}
	return all
}
