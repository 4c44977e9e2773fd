// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package redact hides secrets: [Text] in a text, [Core] in every log line.
//
// It goes by structure: it shows the scheme and the host of a URL, the name of an
// environment variable, and nothing of the value of a key that sounds secret. It
// cannot recognize a secret anywhere else.
package redact

import (
	"fmt"
	"regexp"
	"strings"
	"sync"
)

// Mask replaces what is hidden, and does not reveal even its length.
const Mask = "[redacted]"

// maxSecretLine bounds the work for one line, in bytes. A longer line is
// hidden as a whole.
const maxSecretLine = 16 << 10

// Text returns text with everything hidden that may be a secret: of a URL all
// but the scheme, the host, and what is clearly not a token in its path; the values
// of a unit's environment; private keys; HTTP headers in command lines; and the
// values of keys that sound secret (password, token, api_key, authorization,
// headers and the like) in YAML, JSON, INI, command lines or a sentence, with
// every line that belongs to the value. The path of a URL stays if its host
// serves everybody, as Falco's and Oracle's repositories do. Paths of keys and
// certificates stay readable. When in doubt, it hides. The number of lines does not
// change.
func Text(text string) string {
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

// Value returns the value of a key for a person: [Mask] if the key sounds secret.
func Value(key string, v any) string {
	text := fmt.Sprint(v)
	if hidesAll(key, text) {
		return Mask
	}
	return Text(text)
}

// hidesAll reports whether nothing of a key's value may be shown.
func hidesAll(key, text string) bool {
	return secretName(key) && !harmless().MatchString(text) && (!pathName(key) || pathPattern().FindString(text) != text)
}

// A redactor goes through a text line by line. Comments have a state of their
// own, because a comment between a key and its value ends neither.
type redactor struct{ body, comments secretState }

// line redacts one line. The marks before its first word always stay, and count
// as indentation, so that list items, comments and the lines of a diff work
// alike.
func (r *redactor) line(s string) string {
	rest := strings.TrimLeft(s, " \t#+-")
	lead := s[:len(s)-len(rest)]
	byBody, byComment := r.body.covers(lead, rest), r.comments.covers(lead, rest)
	state := &r.body
	if isComment(lead) {
		state = &r.comments
	}
	// A hidden line may itself open a secret, which outlasts the one above it.
	var inner secretState
	shown := inner.open(lead, rest[:min(len(rest), maxSecretLine)])
	state.join(inner)
	if byBody || byComment || len(rest) > maxSecretLine {
		return lead + hide(rest)
	}
	return shown
}

// A secretState says which secrets are still open at the end of a line.
type secretState struct {
	inBlock bool // below a secret key
	broken  bool // a URL or the variables of a unit go on in the next line
	column  int  // where that key's line begins; deeper lines belong to it
	comment bool // that line is a comment, or has one
	tail    tail // unclosed brackets of a secret value
	armor   bool // inside a private key
	lost    bool // a quote is open: where the secret ends is unknown
}

// covers reports whether a line belongs to a secret that began above it.
func (r *secretState) covers(lead, rest string) bool {
	switch {
	case r.lost:
		return true
	case r.broken:
		r.broken = strings.HasSuffix(strings.TrimRight(rest, " \t\r"), `\`)
		return true
	case r.armor:
		r.armor = !strings.Contains(rest, "END ")
		return true
	case r.tail.open():
		r.tail.feed(rest)
		r.lost = r.tail.quote != 0
		return true
	case r.inBlock && (rest == "" || r.depth(lead) > r.column):
		return true
	}
	if !isComment(lead) || r.comment {
		r.inBlock = false
	}
	return false
}

// depth is the column where a line begins. Below a key that is not in a
// comment, a comment begins at its mark: it belongs to the value only if it is
// deeper.
func (r *secretState) depth(lead string) int {
	if mark := strings.IndexByte(lead, '#'); mark >= 0 && !r.comment {
		return mark
	}
	return len(lead)
}

// open redacts a line as if nothing were open above it, and records what the
// line opens.
func (r *secretState) open(lead, rest string) string {
	if _, label, found := strings.Cut(rest, "BEGIN "); found && strings.Contains(label, "PRIVATE KEY") {
		r.armor = !strings.Contains(label, "END ")
		return strings.TrimSuffix(lead, "-----") + Mask
	}
	text := strings.TrimRight(rest, " \t\r")
	at := environmentKey().FindStringIndex(rest)
	if broken, ok := strings.CutSuffix(text, `\`); ok {
		last := broken[strings.LastIndexAny(broken, " \t")+1:]
		r.broken = at != nil || urlStart().MatchString(last)
	}
	if at != nil {
		return lead + redactShapes(rest[:at[1]]) + redactShapes(redactEnvironment(rest[at[1]:]))
	}
	return lead + r.values(redactShapes(rest), lead)
}

// join adds what is open in inner. Of two blocks the outer one counts.
func (r *secretState) join(inner secretState) {
	r.armor = r.armor || inner.armor
	r.broken = r.broken || inner.broken
	r.lost = r.lost || inner.lost
	if !r.tail.open() {
		r.tail = inner.tail
	}
	if !r.inBlock {
		r.inBlock, r.column, r.comment = inner.inBlock, inner.column, inner.comment
	}
}

// values hides the values of all secret keys in a line.
func (r *secretState) values(s, lead string) string {
	var out strings.Builder
	comment := strings.Contains(lead+s, "#")
	for {
		at := keyPattern().FindStringSubmatchIndex(s)
		if at == nil {
			out.WriteString(s)
			return out.String()
		}
		name, left := s[at[2]:at[3]], s[:at[2]]
		path := at[2] > 0 && s[at[2]-1] == '/'
		out.WriteString(s[:at[1]])
		s = s[at[1]:]
		if path || !secretName(name) && !isBareKey(name, lead, left) {
			continue
		}
		r.inBlock, r.column, r.comment = true, len(lead), comment
		var shown string
		shown, s = r.value(name, s)
		out.WriteString(shown)
	}
}

// isBareKey reports whether a name is "key" in a file, where it may hold an API
// key. In a sentence it is a signing key.
func isBareKey(name, lead, left string) bool {
	return strings.EqualFold(name, "key") && (left == "" && lead != "" || strings.ContainsAny(left[max(0, len(left)-1):], "\"'{"))
}

// value hides the value at the start of s. It returns what to show instead, and
// the rest of the line.
func (r *secretState) value(name, s string) (shown, rest string) {
	text := strings.TrimRight(s, " \t\r")
	masked := Mask + s[len(text):]
	switch {
	case strings.HasPrefix(s, Mask):
		return Mask, s[len(Mask):]
	case harmless().MatchString(text) || blockMark().MatchString(text):
		return s, ""
	case pathName(name):
		if at := pathPattern().FindStringSubmatchIndex(s); at != nil {
			return s[:at[3]], s[at[3]:]
		}
	}
	switch text[0] {
	case '"', '\'':
		var t tail
		n := t.feed(text)
		if t.open() {
			r.lost = true
			return masked, ""
		}
		if left := strings.TrimLeft(text[n:], " \t"); left == "" || strings.ContainsRune(",}])", rune(left[0])) {
			return text[:1] + Mask + text[:1], s[n:]
		}
	case '[', '{':
		r.tail.feed(text)
		r.lost = r.tail.quote != 0
	}
	return masked, ""
}

// A tail says what is still open in a value: a quote or brackets.
type tail struct {
	quote byte
	depth int
}

func (t *tail) open() bool { return t.quote != 0 || t.depth > 0 }

// feed reads until nothing is open or s ends, and returns how many bytes it read.
// If nothing is open, only the first byte of s can open something.
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

func isComment(lead string) bool { return strings.Contains(lead, "#") }

// hide masks a whole line; an empty one stays.
func hide(rest string) string {
	body := strings.TrimRight(rest, " \t\r")
	if body == "" {
		return rest
	}
	return Mask + rest[len(body):]
}

var (
	// keyPattern is any key with its separator; secretName decides later. Quotes
	// may be escaped: JSON within YAML.
	keyPattern = lazy(`((?i:api |access |private |client |secret )?[\w.\-\[\]]+)[\\"']*\s*[:=]+>?[ \t]*`)
	// harmless values say that there is no secret.
	harmless = lazy(`^(?i:""|''|null|~|true|false|yes|no|\[\]|\{\})?$`)
	// blockMark begins a YAML block scalar.
	blockMark = lazy(`^[|>][0-9+-]*$`)
	// pathPattern has no "+" or "=" because base64 may begin with a slash too.
	pathPattern = lazy(`^["']?(/[\w./\-]{1,128})(?:["'\s:,;)}\]]|$)`)
)

// lazy returns a pattern that is compiled when it is first used. All of them take
// several milliseconds, and a run uses few.
func lazy(pattern string) func() *regexp.Regexp {
	return sync.OnceValue(func() *regexp.Regexp { return regexp.MustCompile(pattern) })
}
