// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yamledit

import (
	"strconv"
	"strings"
)

// A Path leads from the root of a document to a value.
type Path []Step

// A Step is a key of a map or, if Key is empty, an index of a list.
type Step struct {
	Key   string
	Index int
}

// IsIndex reports whether the step leads into a list.
func (s Step) IsIndex() bool { return s.Key == "" }

// Append is the Index of the step "[]", a new entry at the end of a list. [Set]
// refuses it, since each run would append another entry.
const Append = -1

// maxIndex bounds an index, so that a typo does not create a list of a billion
// entries.
const maxIndex = 1 << 16

// ParsePath reads a path such as servers[0].port. A backslash makes a
// dot, bracket or backslash part of a key.
func ParsePath(text string) (Path, error) {
	bad := func(reason string) (Path, error) {
		return nil, badSetting(text, reason, "write keys joined by dots and list entries as [0], such as servers[0].port")
	}
	var path Path
	for rest := text; ; rest = rest[1:] {
		var step Step
		var ok bool
		if step.Key, rest, ok = cutKey(rest); !ok {
			return bad("path has a backslash that escapes nothing")
		}
		if step.Key == "" {
			return bad("path is empty or has an empty key")
		}
		path = append(path, step)
		for strings.HasPrefix(rest, "[") {
			if step, rest, ok = cutIndex(rest); !ok {
				return bad("path has an index that is not a number")
			}
			path = append(path, step)
		}
		switch {
		case rest == "":
			return path, nil
		case rest[0] != '.':
			return bad("path needs a dot after an index")
		}
	}
}

// cutKey cuts off the key that text begins with. ok is false if a backslash
// escapes nothing.
func cutKey(text string) (key, rest string, ok bool) {
	var b strings.Builder
	for i := 0; i < len(text); i++ {
		switch text[i] {
		case '.', '[':
			return b.String(), text[i:], true
		case '\\':
			i++
			if i == len(text) || !strings.ContainsRune(`.[]\`, rune(text[i])) {
				return "", "", false
			}
		}
		b.WriteByte(text[i])
	}
	return b.String(), "", true
}

// cutIndex cuts off the "[12]" or "[]" that text begins with.
func cutIndex(text string) (step Step, rest string, ok bool) {
	digits, rest, ok := strings.Cut(text[1:], "]")
	if ok && digits == "" {
		return Step{Index: Append}, rest, true
	}
	n, err := strconv.ParseUint(digits, 10, 32)
	return Step{Index: int(n)}, rest, ok && err == nil && n <= maxIndex
}

// String writes the path as ParsePath reads it.
func (p Path) String() string {
	text := ""
	for _, s := range p {
		switch {
		case !s.IsIndex():
			text = joinKey(text, s.Key)
		case s.Index == Append:
			text += "[]"
		default:
			text = joinIndex(text, s.Index)
		}
	}
	return text
}

// joinKey returns the path of key in the map at path.
func joinKey(path, key string) string {
	if strings.ContainsAny(key, `.[]\`) {
		key = strings.NewReplacer(`\`, `\\`, `.`, `\.`, `[`, `\[`, `]`, `\]`).Replace(key)
	}
	if path == "" {
		return key
	}
	return path + "." + key
}

func joinIndex(path string, i int) string {
	return path + "[" + strconv.Itoa(i) + "]"
}
