// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"strconv"
	"strings"
)

// maxIndex bounds a list index, so that a typing error cannot ask for a list
// of a billion entries.
const maxIndex = 1 << 16

// A step is one part of a path: a key of a map, or, if key is empty, an index
// of a list.
type step struct {
	key   string
	index int
}

// appendIndex is the index of the step "[]", which only Falco's -o knows.
const appendIndex = -1

func (s step) isIndex() bool { return s.key == "" }

// parsePath reads the notation of Falco's -o option: a.b[0].c, where a
// backslash makes a dot, bracket or backslash part of a key
// (falcosecurity/falco userspace/engine/yaml_helper.h, get_node).
func parsePath(path string) ([]step, error) {
	var (
		steps []step
		key   strings.Builder
	)
	bad := func(reason string) ([]step, error) {
		return nil, badSetting(path, reason, "write keys joined by dots and list entries as [0], such as plugins[0].init_config")
	}
	afterIndex := false
	flush := func() bool {
		if key.Len() == 0 {
			return afterIndex
		}
		steps = append(steps, step{key: key.String()})
		key.Reset()
		return true
	}
	for i := 0; i < len(path); i++ {
		c := path[i]
		switch {
		case c == '.':
			if !flush() || i == len(path)-1 {
				return bad("path has an empty key")
			}
			afterIndex = false
		case c == '[':
			if !flush() {
				return bad("path has an index without a list")
			}
			n, width, ok := parseIndex(path[i:])
			if !ok {
				return bad("path has an index that is not a number")
			}
			steps = append(steps, step{index: n})
			i += width - 1
			afterIndex = true
		case afterIndex:
			return bad("path needs a dot after an index")
		case c == '\\':
			i++
			if i == len(path) || !strings.ContainsRune(`.[]\`, rune(path[i])) {
				return bad("path has a backslash that escapes nothing")
			}
			key.WriteByte(path[i])
		default:
			key.WriteByte(c)
		}
	}
	if !flush() {
		return bad("path is empty or has an empty key")
	}
	return steps, nil
}

// parseIndex reads "[12]" or "[]" at the start of s and returns how wide it is.
func parseIndex(s string) (n, width int, ok bool) {
	end := strings.IndexByte(s, ']')
	if end < 0 {
		return 0, 0, false
	}
	if end == 1 {
		return appendIndex, 2, true
	}
	n, err := strconv.Atoi(s[1:end])
	if err != nil || n < 0 || n > maxIndex || s[1] == '+' {
		return 0, 0, false
	}
	return n, end + 1, true
}

// formatPath is the inverse of parsePath.
func formatPath(steps []step) string {
	var b strings.Builder
	for _, s := range steps {
		switch {
		case !s.isIndex():
			if b.Len() > 0 {
				b.WriteByte('.')
			}
			b.WriteString(escapeKey(s.key))
		case s.index == appendIndex:
			b.WriteString("[]")
		default:
			b.WriteString("[" + strconv.Itoa(s.index) + "]")
		}
	}
	return b.String()
}

func escapeKey(key string) string {
	if !strings.ContainsAny(key, `.[]\`) {
		return key
	}
	return strings.NewReplacer(`\`, `\\`, `.`, `\.`, `[`, `\[`, `]`, `\]`).Replace(key)
}

// joinKey returns the path of key within the map at path.
func joinKey(path, key string) string {
	if path == "" {
		return escapeKey(key)
	}
	return path + "." + escapeKey(key)
}

func joinIndex(path string, i int) string {
	return path + "[" + strconv.Itoa(i) + "]"
}
