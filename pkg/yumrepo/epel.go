// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yumrepo

import (
	"net/url"
	"regexp"
	"slices"
	"strings"
)

var (
	// A word of an id: "ol8_developer_EPEL", "ol10_u1_developer_EPEL_modular",
	// Fedora's "epel" and "epel-next", "epel9", and the mirror's
	// "ol8_developer_epel-ol8-x86_64" of OS Management Hub.
	epelWord = regexp.MustCompile(`(?i)(?:^|[^a-z0-9])epel\d*(?:$|[^a-z0-9])`)
	epelName = regexp.MustCompile(`(?i)Extra Packages for Enterprise Linux|\bEPEL (?:Modular |Testing |Next )*(?:Packages|Repository)\b`)
	epelList = regexp.MustCompile(`(?i)^(?:testing-|playground-)?(?:modular-)?epel\d*(?:-[a-z0-9$.{}_-]*)?$`)
	epelPart = regexp.MustCompile(`(?i)(?:^|[^a-z0-9])(modular|testing|playground|next|debug|debuginfo|source|sources|src)(?:$|[^a-z0-9])`)
)

// IsEPEL reports whether a section is a repository of EPEL, by its id, its name,
// its metalink or mirrorlist at Fedora, or a directory of its baseurl. Oracle's,
// Fedora's and every mirror's EPEL have the same packages.
//
// The variants modular, testing, next, debug and source are EPEL too, since a
// node must have none of them enabled; see [IsPlainEPEL] for the repository that
// a package such as dkms comes from. Two look like EPEL but are not: Fedora's
// epel-cisco-openh264, which Cisco publishes, and a Copr, whose URL names EPEL as
// what it is built for.
func IsEPEL(s Section) bool {
	if strings.Contains(strings.ToLower(s.ID), "openh264") || strings.HasPrefix(s.ID, "copr:") {
		return false
	}
	name, _ := s.Get("name")
	if epelWord.MatchString(s.ID) || epelName.MatchString(name) {
		return true
	}
	for _, key := range []string{"metalink", "mirrorlist"} {
		value, _ := s.Get(key)
		if u, err := url.Parse(unquote(value)); err == nil && epelList.MatchString(u.Query().Get("repo")) {
			return !strings.Contains(u.Query().Get("repo"), "openh264")
		}
	}
	value, _ := s.Get("baseurl")
	return slices.ContainsFunc(SplitList(unquote(value)), isEPELURL)
}

// IsPlainEPEL reports whether a section is EPEL's repository of released
// binary packages.
func IsPlainEPEL(s Section) bool {
	if !IsEPEL(s) || epelPart.MatchString(s.ID) {
		return false
	}
	name, _ := s.Get("name")
	base, _ := s.Get("baseurl")
	return !epelPart.MatchString(name) && !epelPart.MatchString(base)
}

// isEPELURL compares whole directories, since "epel-9-x86_64" is a Copr's, and the
// host's first word.
func isEPELURL(raw string) bool {
	_, rest, _ := strings.Cut(raw, "://")
	host, path, _ := strings.Cut(rest, "/")
	for part := range strings.SplitSeq(path, "/") {
		if digits, ok := strings.CutPrefix(strings.ToLower(part), "epel"); ok && strings.Trim(digits, "0123456789") == "" {
			return true
		}
	}
	return strings.HasPrefix(strings.ToLower(host), "epel.")
}
