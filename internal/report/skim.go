// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report

import "bytes"

// skim returns a JSON object with only those of its members that are wanted.
// Nine tenths of a report are steps and their diffs, which a fleet never looks
// at: passing over them is several times faster than parsing them. What is
// passed over is not checked. If the object is not as JSON should be, all of
// it comes back, so that the decoder says what is wrong.
func skim(object []byte, wanted func(name string) bool) []byte {
	out := []byte{'{'}
	for i := 1; i < len(object); {
		i = skipSpace(object, i)
		if i < len(object) && object[i] == '}' && i+1 == len(object) {
			return append(out, '}')
		}
		name := i
		colon := skipSpace(object, skipString(object, name))
		value := skipSpace(object, colon+1)
		end := skipValue(object, value)
		if colon >= len(object) || object[colon] != ':' || end <= value || end >= len(object) {
			return object
		}
		if wanted(string(object[name+1 : max(name+1, bytes.LastIndexByte(object[:colon], '"'))])) {
			if len(out) > 1 {
				out = append(out, ',')
			}
			out = append(out, object[name:end]...)
		}
		i = skipSpace(object, end)
		if i < len(object) && object[i] == ',' {
			i = skipSpace(object, i+1)
			if i < len(object) && object[i] == '}' {
				return object
			}
		} else if i+1 != len(object) {
			return object
		}
	}
	return object
}

func skipSpace(b []byte, i int) int {
	for i < len(b) && (b[i] == ' ' || b[i] == '\t' || b[i] == '\r' || b[i] == '\n') {
		i++
	}
	return i
}

// skipString returns where the string at i ends: behind its quote, at the end
// of b if it has none, or at i if there is no string.
func skipString(b []byte, i int) int {
	if i >= len(b) || b[i] != '"' {
		return i
	}
	for start := i; ; {
		next := bytes.IndexByte(b[i+1:], '"')
		if next < 0 {
			return len(b)
		}
		i += 1 + next
		slashes := 0
		for i-1-slashes > start && b[i-1-slashes] == '\\' {
			slashes++
		}
		if slashes%2 == 0 {
			return i + 1
		}
	}
}

// skipValue returns where the value at i ends.
func skipValue(b []byte, i int) int {
	if i < len(b) && b[i] == '"' {
		return skipString(b, i)
	}
	for depth := 0; i < len(b); {
		switch b[i] {
		case '"':
			i = skipString(b, i)
			continue
		case '{', '[':
			depth++
		case '}', ']':
			if depth == 0 {
				return i
			}
			depth--
			if depth == 0 {
				return i + 1
			}
		case ',', ' ', '\t', '\r', '\n':
			if depth == 0 {
				return i
			}
		}
		i++
	}
	return i
}
