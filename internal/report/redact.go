// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"regexp"
	"strings"
)

// mask stands for what is hidden. It has no length or other trace of it.
const mask = "[redacted]"

// Redact returns text with whatever looks like a secret hidden: user and
// password of URLs, tokens in query strings and in the paths of webhooks and
// of Object Storage's pre-authenticated requests, private keys, and the values
// of keys that sound secret (password, token, api_key, authorization, headers
// and the like), in YAML, JSON, INI, command lines or a sentence, with every
// line that belongs to the value. Paths of keys and certificates stay
// readable. It hides too much rather than too little; it keeps the number of
// lines.
func Redact(text string) string {
	if !suspicious(text) {
		return text
	}
	lines := strings.Split(text, "\n")
	var r redactor
	for i, line := range lines {
		lines[i] = r.line(line)
	}
	return strings.Join(lines, "\n")
}

// A redactor goes through a text line by line and knows when a line still
// belongs to a secret that began above.
type redactor struct {
	inBlock bool // below a secret key
	column  int  // where that key's line begins; what is deeper belongs to it
	tail    tail // unclosed brackets of a secret value
	key     bool // inside a private key's armor
	lost    bool // a quote is open: no telling where the secret ends
}

// line redacts one line. Its marks before the first word (white space, list
// items, comments and diffs) always stay.
func (r *redactor) line(s string) string {
	lead, rest := splitLead(s)
	if r.covers(lead, rest) {
		// What the line opens itself counts too, for when the secret above it
		// ends before that does.
		var inner redactor
		inner.plain(lead, rest)
		r.join(inner)
		return lead + hide(rest)
	}
	return r.plain(lead, rest)
}

// covers reports whether a line belongs to a secret from above.
func (r *redactor) covers(lead, rest string) bool {
	switch {
	case r.lost:
		return true
	case r.key:
		r.key = !strings.Contains(rest, "END ")
		return true
	case r.tail.open():
		r.tail.feed(rest)
		r.lost = r.tail.quote != 0
		return true
	case r.inBlock && (rest == "" || len(lead) > r.column):
		return true
	}
	r.inBlock = false
	return false
}

// join adds what another has open. Of two blocks the outer one holds both.
func (r *redactor) join(inner redactor) {
	r.key = r.key || inner.key
	r.lost = r.lost || inner.lost
	if !r.tail.open() {
		r.tail = inner.tail
	}
	if !r.inBlock {
		r.inBlock, r.column = inner.inBlock, inner.column
	}
}

// plain redacts a line that no secret from above covers.
func (r *redactor) plain(lead, rest string) string {
	if _, armor, found := strings.Cut(rest, "BEGIN "); found && strings.Contains(armor, "PRIVATE KEY") {
		r.key = !strings.Contains(armor, "END ")
		return strings.TrimSuffix(lead, "-----") + mask
	}
	return lead + r.values(redactShapes(rest), len(lead))
}

// values hides the values of all secret keys of a line.
func (r *redactor) values(s string, column int) string {
	var out strings.Builder
	for {
		at := keyPattern.FindStringSubmatchIndex(s)
		if at == nil {
			out.WriteString(s)
			return out.String()
		}
		name, end := s[at[2]:at[3]], at[1]
		path := at[2] > 0 && s[at[2]-1] == '/'
		out.WriteString(s[:end])
		s = s[end:]
		if path || !secretName(name) {
			continue
		}
		r.inBlock, r.column = true, column
		shown, left := r.value(name, s)
		out.WriteString(shown)
		s = left
	}
}

// value hides the value at the start of s and returns what stands in its
// place, and the rest of the line that does not belong to it.
func (r *redactor) value(name, s string) (shown, rest string) {
	text := strings.TrimRight(s, " \t\r")
	space := s[len(text):]
	switch {
	case strings.HasPrefix(s, mask):
		return mask, s[len(mask):]
	case harmless(text) || blockMark.MatchString(text):
		return s, ""
	case pathName(name):
		if at := pathPattern.FindStringSubmatchIndex(s); at != nil {
			return s[:at[3]], s[at[3]:]
		}
	}
	switch text[0] {
	case '"', '\'':
		var t tail
		n := t.feed(text)
		if t.open() {
			r.lost = true
			return mask + space, ""
		}
		if left := strings.TrimLeft(text[n:], " \t"); left == "" || strings.ContainsRune(",}])", rune(left[0])) {
			return text[:1] + mask + text[:1], s[n:]
		}
	case '[', '{':
		r.tail.feed(text)
		r.lost = r.tail.quote != 0
	}
	return mask + space, ""
}

// A tail is what is open in a value: a quote or brackets.
type tail struct {
	quote byte
	depth int
}

func (t *tail) open() bool { return t.quote != 0 || t.depth > 0 }

// feed reads on until the end of s, or until nothing is open any more, and
// returns how far it came. If nothing is open, only what s begins with opens
// something.
func (t *tail) feed(s string) int {
	if !t.open() && (s == "" || !strings.ContainsRune(`"'[{`, rune(s[0]))) {
		return 0
	}
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case t.quote == '"' && c == '\\':
			i++
		case t.quote == '\'' && c == '\'' && i+1 < len(s) && s[i+1] == '\'':
			i++
		case t.quote != 0 && c == t.quote:
			t.quote = 0
		case t.quote != 0:
		case c == '"' || c == '\'':
			t.quote = c
		case c == '[' || c == '{':
			t.depth++
		case c == ']' || c == '}':
			t.depth--
		}
		if !t.open() {
			return i + 1
		}
	}
	return len(s)
}

// splitLead parts a line into the marks before its first word, and the rest.
// Counting them as indentation makes list items, comments and the lines of a
// diff work alike.
func splitLead(s string) (lead, rest string) {
	rest = strings.TrimLeft(s, " \t#+-")
	return s[:len(s)-len(rest)], rest
}

// hide is the mask for a whole line, or nothing for an empty one.
func hide(rest string) string {
	body := strings.TrimRight(rest, " \t\r")
	if body == "" {
		return rest
	}
	return mask + rest[len(body):]
}

var (
	// keyPattern is any key with its separator; whether it is secret is asked
	// afterwards. Quotes may be escaped: JSON within YAML.
	keyPattern = regexp.MustCompile(`((?i:api |access |private |client |secret )?[\w.\-\[\]]+)[\\"']*\s*[:=]+>?[ \t]*`)
	// blockMark begins a YAML block scalar.
	blockMark = regexp.MustCompile(`^[|>][0-9+-]*$`)
	// pathPattern has no "+" and "=": base64 may begin with a slash too.
	pathPattern = regexp.MustCompile(`^["']?(/[\w./\-]{1,128})(?:["'\s:,;)}\]]|$)`)
)

// harmless values say that there is no secret.
func harmless(value string) bool {
	switch strings.ToLower(value) {
	case "", `""`, `''`, "null", "~", "true", "false", "yes", "no", "[]", "{}":
		return true
	}
	return false
}
