// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package logrotate

import (
	"io/fs"
	"path"
	"strings"
	"unicode"
)

// isGlob reports whether a name has a character that is special to glob(3).
func isGlob(name string) bool { return strings.ContainsAny(name, `*?[\~`) }

// home replaces ~ by root's home directory, since logrotate runs as root.
func home(name string) string {
	if name == "~" || strings.HasPrefix(name, "~/") || name == "~root" || strings.HasPrefix(name, "~root/") {
		_, rest, _ := strings.Cut(name, "/")
		return "/root/" + rest
	}
	return name
}

// glob returns the files that a pattern matches, without directories, spelled
// as the pattern spells its directories.
func (c *Config) glob(pattern string) []string {
	pattern = home(pattern)
	if !strings.HasPrefix(pattern, "/") {
		return nil
	}
	found := []string{""}
	parts := strings.Split(pattern, "/")[1:]
	for i, part := range parts {
		var next []string
		for _, dir := range found {
			for _, name := range c.names(dir, part, i == len(parts)-1) {
				next = append(next, dir+"/"+name)
			}
		}
		found = next
	}
	return found
}

// names returns what matches a part of a pattern in a directory.
func (c *Config) names(dir, part string, last bool) []string {
	if !isGlob(part) {
		info, err := fs.Stat(c.fsys, rooted(path.Join(dir, part)))
		if err != nil || last == info.IsDir() {
			return nil
		}
		return []string{part}
	}
	entries, _ := fs.ReadDir(c.fsys, rooted(dir))
	var all []string
	for _, e := range entries {
		if fnmatch(part, e.Name()) && (!last || !e.IsDir()) {
			all = append(all, e.Name())
		}
	}
	return all
}

// fnmatch reports whether one component of a path matches a pattern, as
// fnmatch(3) with FNM_PERIOD does: only a dot matches a dot at the beginning.
func fnmatch(pattern, name string) bool {
	if strings.HasPrefix(name, ".") && !strings.HasPrefix(pattern, ".") && !strings.HasPrefix(pattern, `\.`) {
		return false
	}
	return matchRunes([]rune(pattern), []rune(name))
}

// matchRunes remembers the last star, which can take one more character each
// time the rest does not match: a pattern takes at most the product of the two
// lengths.
func matchRunes(p, s []rune) bool {
	star, taken := -1, 0
	i, j := 0, 0
	for j < len(s) {
		if i < len(p) && p[i] == '*' {
			star, taken = i, j
			i++
			continue
		}
		if i < len(p) {
			if n, ok := one(p[i:], s[j]); ok {
				i, j = i+n, j+1
				continue
			}
		}
		if star < 0 {
			return false
		}
		taken++
		i, j = star+1, taken
	}
	for i < len(p) && p[i] == '*' {
		i++
	}
	return i == len(p)
}

// one matches a character with the beginning of a pattern that is not a star,
// and returns how much of the pattern that is.
func one(p []rune, r rune) (int, bool) {
	switch {
	case p[0] == '?':
		return 1, true
	case p[0] == '\\' && len(p) > 1:
		return 2, p[1] == r
	case p[0] == '\\': // fnmatch fails on it
		return 1, false
	case p[0] == '[':
		if n, ok, closed := bracket(p, r); closed {
			return n, ok
		}
	}
	return 1, p[0] == r
}

// bracket matches a character with [...]. A [ that is not closed matches itself.
func bracket(p []rune, r rune) (n int, ok, closed bool) {
	i, not := 1, false
	if i < len(p) && (p[i] == '!' || p[i] == '^') {
		not = true
		i++
	}
	for first := true; i < len(p); first = false {
		if p[i] == ']' && !first {
			return i + 1, ok != not, true
		}
		if class, n := charClass(p[i:]); n > 0 {
			ok = ok || class(r)
			i += n
			continue
		}
		lo, n := literal(p[i:])
		i += n
		hi := lo
		if i+1 < len(p) && p[i] == '-' && p[i+1] != ']' {
			hi, n = literal(p[i+1:])
			i += 1 + n
		}
		ok = ok || lo <= r && r <= hi
	}
	return 0, false, false
}

func literal(p []rune) (rune, int) {
	if p[0] == '\\' && len(p) > 1 {
		return p[1], 2
	}
	return p[0], 1
}

// charClass reads [:alpha:] and the like.
func charClass(p []rune) (func(rune) bool, int) {
	text := string(p)
	if !strings.HasPrefix(text, "[:") {
		return nil, 0
	}
	name, _, ok := strings.Cut(text[2:], ":]")
	class := map[string]func(rune) bool{
		"alpha": unicode.IsLetter, "digit": func(r rune) bool { return '0' <= r && r <= '9' },
		"alnum": func(r rune) bool { return unicode.IsLetter(r) || unicode.IsDigit(r) },
		"lower": unicode.IsLower, "upper": unicode.IsUpper, "space": unicode.IsSpace, "punct": unicode.IsPunct,
		"xdigit": func(r rune) bool { return strings.ContainsRune("0123456789abcdefABCDEF", r) },
	}[name]
	if !ok || class == nil {
		return nil, 0
	}
	return class, len([]rune(name)) + 4
}
