// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package pkgmgr

import (
	"fmt"
	"slices"
	"strings"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/dnfconf"
)

// configure writes the main file with which dnf, or yum, sees the declared
// repository and no other, and returns its path. dnf does not read the node's
// files the way that we do in every detail, and what root has put into one of them
// must not decide where Falco comes from: a section of the same id in dnf.conf, in
// a second directory, behind a variable, or in a file with odd bytes.
//
// The node's own [main] stays in force, except for where repositories and caches
// are; so does how its section says the server is reached. Both may have a
// password, so that they are given in a file and not on the command line.
func (s *supply) configure(c node.Install) (string, error) {
	if s.conf != "" {
		return s.conf, nil
	}
	conf, err := dnfconf.Read(s.Tree)
	if err != nil {
		return "", err
	}
	text := s.mainSection(conf)
	if c.Declared != "" {
		text += ownSection(conf, c)
	}
	s.conf = s.stage.Path("dnf.conf")
	return s.conf, s.stage.Put("dnf.conf", []byte(text))
}

// mainSection returns [main] of the node without the keys of displaced.
func (s *supply) mainSection(conf dnfconf.Config) string {
	var b strings.Builder
	fmt.Fprintf(&b, "[main]\nreposdir=%s\ncachedir=%s\n", s.stage.Path("none"), s.stage.Path("cache"))
	for _, o := range conf.Main.Options() {
		if !slices.Contains(displaced(), o.Key) {
			writeOption(&b, o.Key, o.Value)
		}
	}
	return b.String()
}

// displaced are the keys of [main] that the agent's own replace: where dnf finds
// repositories, and where it keeps what it fetches.
func displaced() []string {
	return []string{"reposdir", "cachedir", "system_cachedir", "destdir", "keepcache"}
}

// ownSection returns the section of the declared repository.
func ownSection(conf dnfconf.Config, c node.Install) string {
	var b strings.Builder
	check := "0"
	if c.RepoGPGCheck {
		check = "1"
	}
	fmt.Fprintf(&b, "[%s]\nname=%[1]s\nbaseurl=%s\nenabled=1\ngpgcheck=1\nrepo_gpgcheck=%s\ngpgkey=file://%s\nsslverify=1\n", c.Declared, c.BaseURL, check, c.KeyFile)
	files, err := conf.Files()
	if err != nil {
		return b.String() // the step of the repository says so
	}
	for _, section := range dnfconf.Repositories(files) {
		if section.ID != c.Declared {
			continue
		}
		for _, key := range kept() {
			if value, ok := section.Get(key); ok {
				writeOption(&b, key, value)
			}
		}
		break
	}
	return b.String()
}

// kept are the keys of the repository's section that the site decides: how the
// server is reached, how fast, and which packages this node may have.
func kept() []string {
	return []string{
		"proxy", "proxy_username", "proxy_password", "proxy_auth_method", "proxy_sslcacert", "proxy_sslverify", "proxy_sslclientcert", "proxy_sslclientkey",
		"sslcacert", "sslverifystatus", "sslclientcert", "sslclientkey", "username", "password", "user_agent", "http_caching", "ip_resolve",
		"bandwidth", "throttle", "minrate", "timeout", "exclude", "excludepkgs", "includepkgs",
	}
}

// writeOption writes one option on one line. A value with a control character
// would not be read back as it is, and is left out.
func writeOption(b *strings.Builder, key, value string) {
	value = strings.ReplaceAll(strings.TrimSpace(value), "\n", " ")
	if strings.ContainsFunc(key+value, func(r rune) bool { return r < ' ' || r == 0x7f }) {
		return
	}
	fmt.Fprintf(b, "%s=%s\n", key, value)
}
