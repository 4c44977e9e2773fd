// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"regexp"
	"slices"
	"strings"
)

// maxWarnings bounds how many of Falco's warnings are returned.
const maxWarnings = 20

// stamp is the date at the start of Falco's log lines. What Falco writes last,
// as it exits, has none.
var stamp = regexp.MustCompile(`^[A-Z][a-z]{2} [A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d \d{4}: `)

// Reason finds in Falco's standard error why Falco does not start, as one line:
// what follows its last "Error:", which for a rules file is several lines, or the
// log line with the reason if that says nothing. It is "" if there is no text.
func Reason(stderr string) string {
	var reason, logged, last string
	for line := range strings.Lines(stderr) {
		line = strings.TrimRight(line, " \t\r\n")
		if line == "" {
			continue
		}
		last = stamp.ReplaceAllString(line, "")
		switch {
		case strings.HasPrefix(last, "Error: "):
			reason = strings.TrimPrefix(last, "Error: ")
		case strings.HasPrefix(last, "Runtime error: "), strings.HasPrefix(last, "Cannot read config file"):
			logged = strings.TrimPrefix(last, "Runtime error: ")
		case reason != "" && last == line:
			reason += " " + line
		}
	}
	if reason == "" || reason == "std::exception" {
		reason = logged
	}
	if reason == "" {
		reason = last
	}
	return clip(strings.Join(strings.Fields(reason), " "))
}

// Warnings finds in Falco's standard error the log lines that a person should
// see, each once.
func Warnings(stderr string) []string {
	var found []string
	for line := range strings.Lines(stderr) {
		text := strings.TrimSpace(stamp.ReplaceAllString(strings.TrimSpace(line), ""))
		lower := strings.ToLower(text)
		warns := strings.Contains(lower, "validation: failed") || strings.Contains(lower, "deprecat") || strings.Contains(lower, "warning")
		if text = clip(text); warns && !slices.Contains(found, text) && len(found) < maxWarnings {
			found = append(found, text)
		}
	}
	return found
}

// clip bounds a line of another program.
func clip(s string) string {
	if len(s) > 300 {
		return strings.ToValidUTF8(s[:300], "") + "..."
	}
	return s
}
