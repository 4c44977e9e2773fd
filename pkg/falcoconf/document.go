// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"gopkg.in/yaml.v3"
)

const (
	maxDepth = 200     // of nesting; a Falco configuration has about six
	maxNodes = 1 << 17 // after aliases are expanded, against alias bombs
)

const utf8BOM = "\xef\xbb\xbf"

// A document is a parsed file that is fit to be edited: one YAML document whose
// root is a map (or nothing), without duplicate keys.
type document struct {
	src    []byte
	lines  []int          // offsets of the starts of lines, as the parser counts them
	root   *yaml.Node     // nil if there is no content
	shared map[string]int // names of anchors that are used, with the line of one use
	tree   map[string]any
}

// parse reads src, or says by an *Error why it cannot be edited.
func parse(src []byte) (*document, error) {
	body, err := checkText(src)
	if err != nil {
		return nil, err
	}
	root, err := parseOne(body)
	if err != nil {
		return nil, err
	}
	d := &document{src: src, root: root, shared: map[string]int{}, tree: map[string]any{}}
	d.indexLines(len(src) - len(body))
	if root == nil {
		return d, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, unsupported(root.Line, "", "root is not a map", "make the file a map of keys, as falco.yaml is shipped")
	}
	m := modeller{budget: maxNodes, shared: d.shared}
	tree, err := m.value(root, "", 0)
	if err != nil {
		return nil, err
	}
	d.tree = tree.(map[string]any)
	return d, nil
}

// checkText refuses bytes in which yaml.v3 and Falco's yaml-cpp would see
// different lines, and returns src without its byte order mark.
func checkText(src []byte) ([]byte, error) {
	if bytes.HasPrefix(src, []byte("\xff\xfe")) || bytes.HasPrefix(src, []byte("\xfe\xff")) || !utf8.Valid(src) {
		return nil, unsupported(0, "", "file is not UTF-8", "convert it, for instance with iconv -t UTF-8")
	}
	body := bytes.TrimPrefix(src, []byte(utf8BOM))
	for _, odd := range []struct{ text, name string }{
		{"\u0085", "next-line character (U+0085)"},
		{"\u2028", "line separator (U+2028)"},
		{"\u2029", "paragraph separator (U+2029)"},
		{utf8BOM, "byte order mark within the text"},
	} {
		if i := bytes.Index(body, []byte(odd.text)); i >= 0 {
			return nil, unsupported(lineAt(body, i), "", odd.name, "remove the character; YAML parsers disagree about what it means")
		}
	}
	for i, c := range body {
		if c == '\r' && (i+1 == len(body) || body[i+1] != '\n') {
			return nil, unsupported(lineAt(body, i), "", "carriage return without a line feed", "give the file line ends of one kind, for instance with dos2unix -c mac")
		}
	}
	return body, nil
}

func lineAt(body []byte, offset int) int {
	return 1 + bytes.Count(body[:offset], []byte("\n"))
}

// parseOne returns the root of the only document in body, nil if it is empty.
func parseOne(body []byte) (*yaml.Node, error) {
	dec := yaml.NewDecoder(bytes.NewReader(body))
	var first, second yaml.Node
	if err := dec.Decode(&first); errors.Is(err, io.EOF) {
		return nil, nil
	} else if err != nil {
		return nil, syntaxError(err)
	}
	if err := dec.Decode(&second); err == nil {
		return nil, unsupported(second.Line, "", "file holds several YAML documents",
			"keep the first one only; Falco reads no other")
	} else if !errors.Is(err, io.EOF) {
		return nil, syntaxError(err)
	}
	root := first.Content[0]
	if isEmpty(root) {
		return nil, nil
	}
	return root, nil
}

var (
	lineInMessage = regexp.MustCompile(`^line ([0-9]+): `)
	// yaml.v3 counts the lines of these from 0, those of all others from 1.
	countedFromZero = regexp.MustCompile(`^did not find expected (<|key|node content|'-' indicator|',' or)`)
	withoutLine     = regexp.MustCompile(`control characters|UTF-8|UTF-16|octet|surrogate`)
)

// syntaxError turns an error of yaml.v3 into one of this package.
func syntaxError(err error) *Error {
	text := strings.TrimPrefix(err.Error(), "yaml: ")
	e := &Error{Hint: "repair the line; Falco does not start with such a file", Err: ErrSyntax}
	m := lineInMessage.FindStringSubmatch(text)
	switch {
	case m != nil:
		e.Line, _ = strconv.Atoi(m[1])
		text = text[len(m[0]):]
		if countedFromZero.MatchString(text) {
			e.Line++
		}
	case !withoutLine.MatchString(text):
		e.Line = 1
	}
	if strings.Contains(text, "found character that cannot start any token") {
		e.Hint = "look for a tab in the indentation, or a value that begins with @, ` or % and needs quotes"
	}
	e.Reason = text
	return e
}

// isEmpty reports whether n is a value that is not written at all.
func isEmpty(n *yaml.Node) bool {
	return n.Kind == yaml.ScalarNode && n.Value == "" && n.Style == 0 && n.Anchor == ""
}

// indexLines records where lines start. skip is the length of the byte order
// mark, which the parser does not count.
func (d *document) indexLines(skip int) {
	d.lines = append(d.lines, skip)
	for i, c := range d.src {
		if c == '\n' {
			d.lines = append(d.lines, i+1)
		}
	}
}

// A modeller turns nodes into values.
type modeller struct {
	budget int
	expand bool           // replace aliases by what they stand for
	shared map[string]int // filled with the anchors that are used, unless nil
}

func (m *modeller) value(n *yaml.Node, path string, depth int) (any, error) {
	m.budget--
	if m.budget < 0 || depth > maxDepth {
		return nil, unsupported(n.Line, path, "file is nested too deeply or its aliases expand too far", "write the values out and nest them less")
	}
	switch n.Kind {
	case yaml.ScalarNode:
		return decodeScalar(n), nil
	case yaml.AliasNode:
		if m.expand {
			return m.value(n.Alias, path, depth+1)
		}
		if m.shared != nil {
			m.shared[n.Value] = n.Line
		}
		return aliasRef{name: n.Value, target: n.Alias}, nil
	case yaml.SequenceNode:
		list := make([]any, 0, len(n.Content))
		for i, item := range n.Content {
			v, err := m.value(item, joinIndex(path, i), depth+1)
			if err != nil {
				return nil, err
			}
			list = append(list, v)
		}
		return list, nil
	case yaml.MappingNode:
		return m.mapping(n, path, depth)
	default:
		return nil, unsupported(n.Line, path, fmt.Sprintf("unknown kind of node %d", n.Kind), "write the value plainly")
	}
}

func (m *modeller) mapping(n *yaml.Node, path string, depth int) (any, error) {
	out := make(map[string]any, len(n.Content)/2)
	for i := 0; i+1 < len(n.Content); i += 2 {
		key, val := n.Content[i], n.Content[i+1]
		if key.Kind != yaml.ScalarNode {
			return nil, unsupported(key.Line, path, "key is not a plain name", "write the key as text; Falco has no other keys")
		}
		at := joinKey(path, key.Value)
		if _, dup := out[key.Value]; dup {
			return nil, unsupported(key.Line, at, "key is there twice", "remove one of the two; Falco heeds only the first")
		}
		v, err := m.value(val, at, depth+1)
		if err != nil {
			return nil, err
		}
		out[key.Value] = v
	}
	return out, nil
}
