// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"strings"
)

var (
	// environmentKey is where a unit file, or what systemd says of a unit, has
	// environment variables.
	environmentKey = lazy(`\b(?:Default|Manager)?Environment[ \t]*=[ \t]*`)
	// environmentWord is a word of a unit file; quotes may stand anywhere in it.
	environmentWord = lazy(`(?:[^\s"']|"(?:[^"\\]|\\.)*"|'[^']*'|["'].*$)+`)
	// assignment is a variable with its value; a quote may begin before it.
	assignment = lazy(`^(["']?)([A-Za-z_]\w*)=(.*)$`)
	// publicVariable holds no secret, whatever its value.
	publicVariable = lazy(`^(?:LD_\w+|PATH|HOME|LANG|LC_\w+|TZ|TERM|SHELL|USER|LOGNAME|HOSTNAME|NODE_NAME|FALCO_(?:HOSTNAME|BPF_PROBE|PRIORITY|LOG_LEVEL)|no_proxy|NO_PROXY|GOMAXPROCS|GLIBC_TUNABLES|MALLOC_\w+)$`)
	// localPath is a path of the node; a token may begin with a slash too.
	localPath = lazy(`^/(?:bin|boot|dev|etc|home|lib|lib64|media|mnt|opt|proc|root|run|sbin|srv|sys|tmp|usr|var)(?:/[\w./\-]*)?$`)
	// plainValue is a number, a level, a reference, or nothing.
	plainValue = lazy(`^(?i:\$\{?\w+\}?|.{0,3}|[0-9.]{1,5}|true|false|debug|info|informational|notice|warning|error|critical|alert|emergency)$`)
)

// redactEnvironment hides the values of environment variables in one line, from
// where the assignments begin.
func redactEnvironment(s string) string {
	return environmentWord().ReplaceAllStringFunc(s, func(word string) string {
		m := assignment().FindStringSubmatch(word)
		if m == nil {
			return word
		}
		quote, name, value := m[1], m[2], m[3]
		if isEnvironment(name) {
			return quote + name + "=" + redactEnvironment(value)
		}
		bare := strings.Trim(value, `"'`+"\\,;")
		if isPublic(name, bare) {
			return word
		}
		shown := Mask
		if strings.Contains(bare, "://") && !strings.ContainsAny(bare, " \t\"'") && !secretName(name) {
			shown = redactURLs(bare)
		}
		return quote + name + "=" + shown + quote
	})
}

// isPublic reports whether the value of an environment variable may be shown.
func isPublic(name, value string) bool {
	switch {
	case value == Mask, publicVariable().MatchString(name), harmless().MatchString(value):
		return true
	case secretName(name) && !pathName(name):
		return false
	}
	return localPath().MatchString(value) || plainValue().MatchString(value)
}
