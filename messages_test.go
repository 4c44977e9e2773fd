// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package rules

import (
	"go/ast"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"

	"github.com/falco-bootstrap/falco-bootstrap/test/messages"
)

// verb matches what a format fills in.
var verb = regexp.MustCompile(`%[-+#0-9.]*[a-z]|…|\\n`)

// shortest is the length of a text that a case can be known by.
const shortest = 9

// Every error that the agent can produce has a hint, and a test that wants its words
// or those of its hint.
func TestEveryMessageHasAHintAndACase(t *testing.T) {
	all, err := messages.All(".")
	if err != nil {
		t.Fatal(err)
	}
	if len(all) < 150 {
		t.Fatalf("only %d messages found", len(all))
	}
	wanted := wantedTexts(t)
	for _, m := range all {
		if m.Hint == "" && elsewhere[m.File+" "+m.Func] == "" {
			t.Errorf("no hint: %v", m)
		}
		if !known(m.Format, wanted) && !known(m.Hint, wanted) {
			t.Errorf("no test wants %v", m)
		}
	}
}

// elsewhere says where the hint of a message is that has none itself.
var elsewhere = map[string]string{
	"internal/pkgmgr/dnf.go transact":         "that of the deadline, or of the program that did not start",
	"internal/pkgmgr/supply.go local":         "that of trust.VerifyRPM, by its reason",
	"internal/pkgmgr/supply.go verifyPackage": "that of trust.VerifyRPM, by its reason",
}

// wantedTexts are the strings of all tests.
func wantedTexts(t *testing.T) []string {
	t.Helper()
	var all []string
	for _, s := range sources(t) {
		if !s.test() || s.path == "messages_test.go" {
			continue
		}
		ast.Inspect(s.file, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			if text, err := strconv.Unquote(lit.Value); err == nil && len(text) >= shortest {
				all = append(all, text)
			}
			return true
		})
	}
	scripts, err := filepath.Glob("cmd/*/testdata/*.txtar")
	if err != nil || len(scripts) == 0 {
		t.Fatalf("%d scripts found (%v)", len(scripts), err)
	}
	for _, name := range scripts {
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for _, m := range scriptWants.FindAllStringSubmatch(strings.ReplaceAll(string(text), "\\", ""), -1) {
			if len(m[1]) >= shortest {
				all = append(all, m[1])
			}
		}
	}
	return all
}

// scriptWants matches what a script wants of an output.
var scriptWants = regexp.MustCompile(`(?m)^(?:stdout|stderr|grep) ['"]?(.*?)['"]?$`)

// known reports whether a test wants a part of a text. A text that is nothing but
// what is filled in is that of another message.
func known(text string, wanted []string) bool {
	filled := true
	for _, part := range verb.Split(text, -1) {
		part = strings.Trim(part, " :;,.")
		if len(part) < shortest {
			continue
		}
		filled = false
		for _, w := range wanted {
			if strings.Contains(part, w) || strings.Contains(w, part) {
				return true
			}
		}
	}
	return filled && text != ""
}
