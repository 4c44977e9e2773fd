// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package yamledit

import (
	"bytes"
	"errors"
	"io"
	"regexp"
	"strconv"
	"strings"

	"gopkg.in/yaml.v3"
)

const utf8BOM = "\xef\xbb\xbf"

// A document is a file that can be edited: one YAML document whose root is a map
// (or nothing), without duplicate keys.
type document struct {
	src    []byte
	lines  []int          // offsets of the starts of lines, as the parser counts them
	root   *yaml.Node     // nil if there is no content
	shared map[string]int // anchors that are in use, with the line of one alias
	tree   map[string]any // what src reads as, with aliases
}

// parse reads src, or says why it cannot be edited.
func parse(src []byte) (*document, error) {
	body, err := checkText(src)
	if err != nil {
		return nil, err
	}
	root, rest, err := ParseFirst(body)
	if err == nil {
		err = rest
	}
	if err != nil {
		return nil, err
	}
	d := &document{src: src, shared: map[string]int{}, tree: map[string]any{}}
	d.indexLines(len(src) - len(body))
	if root == nil || isEmpty(root) {
		return d, nil
	}
	if root.Kind != yaml.MappingNode {
		return nil, unsupported(root.Line, "", "root is not a map", "make the file a map of keys")
	}
	dec := decoder{budget: maxNodes, shared: d.shared}
	tree, err := dec.value(root, "", 0)
	if err != nil {
		return nil, err
	}
	d.root, d.tree = root, tree.(map[string]any)
	return d, nil
}

// checkText refuses text whose lines cannot be told, and returns src without its
// byte order mark.
func checkText(src []byte) ([]byte, error) {
	if bytes.HasPrefix(src, []byte("\xff\xfe")) || bytes.HasPrefix(src, []byte("\xfe\xff")) {
		return nil, unsupported(0, "", "file is UTF-16", "convert it, for instance with iconv -t UTF-8")
	}
	body := bytes.TrimPrefix(src, []byte(utf8BOM))
	for i, c := range body {
		if c == '\r' && (i+1 == len(body) || body[i+1] != '\n') {
			return nil, unsupported(lineAt(body, i), "", "carriage return without a line feed", "convert the line ends, for instance with dos2unix -c mac")
		}
	}
	return body, nil
}

func lineAt(body []byte, offset int) int {
	return 1 + bytes.Count(body[:offset], []byte("\n"))
}

// ParseFirst returns the root of the first YAML document in src, or nil if there
// is none. rest is an [*Error] that says what follows the document, or nil if
// nothing but comments does. Duplicate keys are not an error here. Text that
// yaml-cpp reads and yaml.v3 does not is read as well; see [OddTag].
func ParseFirst(src []byte) (root *yaml.Node, rest, err error) { return decodeFirst(src) }

// decodeRaw is ParseFirst for text that yaml.v3 reads by itself.
func decodeRaw(src []byte) (root *yaml.Node, rest, err error) {
	dec := yaml.NewDecoder(bytes.NewReader(src))
	var first, second yaml.Node
	if err := dec.Decode(&first); errors.Is(err, io.EOF) {
		return nil, nil, nil
	} else if err != nil {
		return nil, nil, syntaxError(err)
	}
	if err := dec.Decode(&second); err == nil {
		rest = unsupported(second.Line, "", "file holds several YAML documents", "keep only the first one")
	} else if !errors.Is(err, io.EOF) {
		rest = syntaxError(err)
	}
	return first.Content[0], rest, nil
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
	e := &Error{Hint: "correct the line, or restore the file", Err: ErrSyntax}
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
