// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yumrepo

import "strings"

// Variables reads variables from the files of a directory such as /etc/dnf/vars:
// a file's name is the variable's, its first line the value. Names are
// case-sensitive; yum 3 converts them to lower case. dnf adds arch, basearch,
// releasever, and those of its environment, which the files override.
func Variables(files map[string][]byte) map[string]string {
	all := map[string]string{}
	for name, content := range files {
		all[name], _, _ = strings.Cut(string(content), "\n")
	}
	return all
}

// Expand replaces $name and ${name} by the variables, and ${name:-word} and
// ${name:+word} as the shell does. A variable that is not set stays. releasever_major and
// releasever_minor follow from releasever. A backslash escapes the character
// after it.
//
// That is how libdnf has worked since 0.72 (ConfigParser::substitute, Oracle Linux
// 9.4); an older one has only the first two forms and no backslash.
func Expand(text string, vars map[string]string) string {
	return expander{vars}.all(text)
}

// maxExpansions bounds how deep words may be nested, as libdnf does.
const maxExpansions = 32

type expander struct{ vars map[string]string }

func (e expander) all(text string) string {
	out, _ := e.until(text, 0)
	return out
}

// until expands a text, or at a depth above 0 a word up to its closing brace, and
// returns how much of the text it has read. A word without its brace stays as it
// is.
func (e expander) until(text string, depth int) (string, int) {
	if depth > maxExpansions {
		return text, len(text)
	}
	var out strings.Builder
	for i := 0; i < len(text); {
		switch {
		case text[i] == '}' && depth > 0:
			return out.String(), i
		case text[i] == '\\' && i+1 < len(text):
			out.WriteByte(text[i+1])
			i += 2
		case text[i] == '$':
			value, n := e.one(text[i:], depth)
			out.WriteString(value)
			i += n
		default:
			out.WriteByte(text[i])
			i++
		}
	}
	if depth > 0 {
		return text, len(text)
	}
	return out.String(), len(text)
}

// one expands the variable at the start of a text.
func (e expander) one(text string, depth int) (value string, n int) {
	begin := 1
	if braced := strings.HasPrefix(text, "${"); braced {
		begin = 2
	}
	end := begin
	for end < len(text) && isNameByte(text[end]) {
		end++
	}
	set, ok := e.lookup(text[begin:end])
	switch {
	case begin == 1 && ok:
		return set, end
	case begin == 1:
		return text[:end], end
	case end == len(text):
		return text, end
	case text[end] == '}' && ok:
		return set, end + 1
	case text[end] == '}':
		return text[:end+1], end + 1
	case text[end] != ':':
		return text[:end], end
	}
	return e.word(text, end, set, depth)
}

// word expands ${name:-word} and ${name:+word}, whose colon is at a place.
func (e expander) word(text string, colon int, set string, depth int) (string, int) {
	if colon+2 >= len(text) {
		return text, len(text)
	}
	word, n := e.until(text[colon+2:], depth+1)
	end := colon + 2 + n
	switch mode := text[colon+1]; {
	case end >= len(text):
		return text, len(text)
	case mode == '-' && set == "", mode == '+' && set != "":
		return word, end + 1
	case mode == '-':
		return set, end + 1
	case mode == '+':
		return "", end + 1
	}
	return text[:colon+1], colon + 1
}

func (e expander) lookup(name string) (string, bool) {
	if value, ok := e.vars[name]; ok {
		return value, true
	}
	release, ok := e.vars["releasever"]
	major, minor, _ := strings.Cut(release, ".")
	switch name {
	case "releasever_major":
		return major, ok
	case "releasever_minor":
		return minor, ok
	}
	return "", false
}

func isNameByte(b byte) bool {
	return b == '_' || '0' <= b && b <= '9' || 'a' <= b && b <= 'z' || 'A' <= b && b <= 'Z'
}
