// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"regexp"
	"slices"
	"strings"
	"unicode/utf8"
)

// The scheme and the host of a URL stay. User info, query and fragment are hidden,
// and so is every segment of the path that may be a token: anybody who knows the
// path of a webhook or of a pre-authenticated request needs no password.
var (
	// urlStart is the scheme with its separator. A slash may be escaped, as in
	// JSON, or percent-encoded, as in the query of another URL.
	urlStart = lazy(`(?i)(?:[a-z][a-z0-9+.\-]*)?(?::|%3a)(?:\\*/|\\u002f|\\x2f|%2f){2}`)
	// plainHost is what a URL may show: names, addresses, ports, and the
	// variables of dnf and of templates.
	plainHost = lazy(`^(?:[\pL\pN_.\-${}%*]*|\[[0-9A-Fa-f:.%]*\])(?::[0-9]{0,5}|:\$\{?\w*\}?)?$`)
	// publicHost serves its paths to everybody.
	publicHost = lazy(`(?i)^(?:(?:[\w\-]+\.)*falco\.org|(?:docs|linux|yum[\w${}.\-]*)\.oracle\.com|yum[\w${}.\-]*\.oci\.oraclecloud\.com|` +
		`yum\$ociregion\.\$\{?ocidomain\}?|(?:[\w\-]+\.)*fedoraproject\.org)(?::[0-9]+)?$`)
	// webhookHost takes messages from anybody who knows a path.
	webhookHost = lazy(`(?i)^hooks?[.\-]|webhook`)
	webhookDir  = lazy(`(?i)^(?:web)?hooks?$`)
	// plainSegment is not a token: it is too short, or a version, an architecture,
	// a package's file, or a usual word in repositories and interfaces.
	plainSegment = lazy(`^(?:` + regexp.QuoteMeta(Mask) + `|.{0,3}|v?[0-9]{1,3}(?:\.[0-9]{1,5}){1,3}|` +
		`\$\{?[a-z]\w*\}?|(?i:[a-z][a-z_+\-]*-[0-9]{1,3}\.[0-9][\w.+~^\-]{0,40}\.rpm)|` +
		`(?i:falco(?:security|ctl|-bootstrap)?(?:-packages|-rpm)?|packages?|rpms?|repo(?:s|data|sitory|sitories)?|repomd\.xml(?:\.asc|\.key)?|` +
		`yum|mirrors?|download|linux|oracle|oracle-?linux|epel|fedora|baseos|appstream|everything|developer|modular|` +
		`uekr?[0-9]{0,2}|u[0-9]|latest|base|stable|release|current|x86_64|aarch64|noarch|o?l?e?l?[0-9]{1,2}|keys?|public|` +
		`rpm-gpg-key(?:-falcosecurity|-epel|-oracle)?(?:-[0-9]{1,2})?|healthz|metrics|services?|api|(?:web)?hooks?|index|` +
		`(?:falco|falcosecurity-packages|repomd|primary|filelists|other|mirrorlist|metalink|index|config|key)\.(?:asc|gpg|key|fpr|xml|repo|html?|json|yaml)(?:\.[gx]z)?))$`)
	// bareHost is a host with a path and no scheme, as curl takes it.
	bareHost = lazy(`(^|[\s"'=(])([A-Za-z0-9][\w\-]*(?:\.[\w\-]+)*\.([A-Za-z]{2,12})(?::[0-9]{1,5})?)(/[^\s"'<>]+)`)
	// bareUser is a user with a password before a host without a scheme, as in
	// the address of a proxy.
	bareUser = lazy(`(^|[\s"'=(,])[^\s"'=(,:@/\[\]]*:[^\s"'@/][^\s"'@]*(@[\w\[$])`)
	// barePath is the path of a pre-authenticated request or webhook alone.
	barePath = lazy(`(/p/)[^/\s"']+(/n/)|((?:^|[\s"'=])/(?:api/)?(?:web)?hooks?/)[^\s"']+`)
)

// redactURLs hides the secrets of every URL in one line.
func redactURLs(s string) string {
	var out strings.Builder
	for rest := s; ; {
		at := urlStart().FindStringIndex(rest)
		if at == nil {
			out.WriteString(rest)
			break
		}
		out.WriteString(rest[:at[1]])
		separator := rest[at[0]:at[1]]
		word := before(rest[at[1]:], " \t\r\n")
		var shown string
		var n int
		switch {
		case strings.Contains(strings.ReplaceAll(separator, `\/`, "/"), "://"):
			shown, n = redactURL(separator, word, opener(rest[:at[0]]))
		default:
			n = trimmed(before(word, "\"'&"))
			shown = masked(word[:n])
		}
		out.WriteString(shown)
		rest = rest[at[1]+n:]
	}
	return redactBare(out.String())
}

// redactURL returns what is shown of a URL behind its separator, and how many
// bytes of word belong to it. open is the quote before the scheme, if any.
func redactURL(separator, word, open string) (shown string, n int) {
	user := ""
	if at := userinfo(word); at > 0 {
		user, n = Mask, at
	}
	body := word[n:]
	if end := closing(body, open); end >= 0 {
		body = body[:end]
	}
	body = body[:trimmed(body)]
	n += len(body)
	host := before(body, `/?#\`)
	path := body[len(host):]
	scheme, _, _ := strings.Cut(strings.ToLower(separator), ":")
	local := host == "" && (scheme == "file" || scheme == "unix")
	name := strings.TrimPrefix(host, "@")
	if !plainHost().MatchString(name) && name != Mask {
		return user + host[:len(host)-len(name)] + Mask, n
	}
	return user + host + redactPath(path, name, local), n
}

// redactPath returns what is shown of the path, query and fragment of a URL.
func redactPath(path, host string, local bool) string {
	tail := ""
	if i := strings.IndexAny(path, "?#"); i >= 0 {
		path, tail = path[:i], path[i:i+1]+masked(path[i+1:])
	}
	if local || publicHost().MatchString(host) {
		return path + tail
	}
	hook := webhookHost().MatchString(host)
	var out strings.Builder
	for rest := path; rest != ""; {
		slash := len(rest) - len(strings.TrimLeft(rest, `/\`))
		out.WriteString(rest[:slash])
		rest = rest[slash:]
		if hook {
			out.WriteString(masked(rest))
			break
		}
		segment := before(rest, `/\`)
		hook = webhookDir().MatchString(segment)
		if plainSegment().MatchString(segment) {
			out.WriteString(segment)
		} else {
			out.WriteString(Mask)
		}
		rest = rest[len(segment):]
	}
	return out.String() + tail
}

// redactBare hides what is secret in addresses that are written without a
// scheme.
func redactBare(s string) string {
	if strings.Contains(s, "@") {
		s = bareUser().ReplaceAllString(s, "${1}"+Mask+"${2}")
	}
	if !strings.Contains(s, "/") {
		return s
	}
	s = bareHost().ReplaceAllStringFunc(s, func(found string) string {
		m := bareHost().FindStringSubmatch(found)
		if isFileType(m[3]) {
			return found
		}
		n := trimmed(m[4])
		return m[1] + m[2] + redactPath(m[4][:n], m[2], false) + m[4][n:]
	})
	return barePath().ReplaceAllString(s, "${1}${3}"+Mask+"${2}")
}

// isFileType reports whether the last part of a dotted name is that of a file,
// a unit or a control group, not of a host.
func isFileType(ending string) bool {
	return slices.Contains([]string{
		"asc", "bz", "conf", "gz", "json", "key", "ko", "log", "pem", "py", "repo", "rpm", "scope", "service", "sh",
		"slice", "so", "socket", "sock", "target", "timer", "txt", "xml", "xz", "yaml", "yml",
	}, strings.ToLower(ending))
}

// masked hides s if it is not empty.
func masked(s string) string {
	if s == "" {
		return ""
	}
	return Mask
}

// opener returns the quote that ends s, with the backslashes before it, or "".
func opener(s string) string {
	c, n := utf8.DecodeLastRuneInString(s)
	if !strings.ContainsRune("\"'`<", c) {
		return ""
	}
	return s[len(strings.TrimRight(s[:len(s)-n], `\`)):]
}

// closing returns where the quote that open began ends in s, or -1.
func closing(s, open string) int {
	if open == "" {
		return -1
	}
	quote := open[len(open)-1]
	if quote == '<' {
		quote = '>'
	}
	for i := 0; i < len(s); i++ {
		if s[i] != quote {
			continue
		}
		escapes := i - len(strings.TrimRight(s[:i], `\`))
		if quote == '\'' && i+1 < len(s) && s[i+1] == '\'' {
			i++ // two of them are one of YAML's
			continue
		}
		if escapes < len(open) {
			return i - escapes
		}
	}
	return -1
}

// trimmed returns the length of s without the punctuation of the sentence, or
// the brackets, around it.
func trimmed(s string) int {
	for n := len(s); n > 0; n-- {
		c := s[n-1]
		open := strings.IndexByte(")]}>", c)
		switch {
		case strings.IndexByte(",.;:!|\\\"'`", c) >= 0:
		case open >= 0 && strings.Count(s[:n], string(c)) > strings.Count(s[:n], "([{<"[open:open+1]):
		default:
			return n
		}
	}
	return 0
}

// userinfo returns the index of the @ that ends a URL's user and password, or
// -1; s begins after "://". It finds the end of a password even if that holds a
// bare "/", "?", "@", quote or angle bracket, which a URL may not.
func userinfo(s string) int {
	quoted := before(s, "\"<>")
	authority := before(quoted, `/?#`)
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		return at
	}
	_, port, found := strings.Cut(authority, ":")
	if found && strings.Trim(port, "0123456789") != "" && !strings.HasPrefix(authority, "[") {
		if at := strings.LastIndexByte(quoted, '@'); at >= 0 {
			return at
		}
	}
	return strings.LastIndexByte(before(s, "/?#"), '@')
}

// before returns s up to the first of some characters.
func before(s, chars string) string {
	if end := strings.IndexAny(s, chars); end >= 0 {
		return s[:end]
	}
	return s
}
