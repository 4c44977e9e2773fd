// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"archive/zip"
	"bytes"
	"io"
	"os"
	"path"
	"regexp"
	"strings"
	"testing"
)

// The stack has its form in its root, everything that its files name, and no other
// bytes the second time.
func TestStack(t *testing.T) {
	t.Setenv("SOURCE_DATE_EPOCH", "1700000000")
	var one, two bytes.Buffer
	for _, out := range []*bytes.Buffer{&one, &two} {
		if err := write(out, os.DirFS("../../deploy")); err != nil {
			t.Fatal(err)
		}
	}
	if !bytes.Equal(one.Bytes(), two.Bytes()) {
		t.Error("two stacks of the same files differ")
	}
	r, err := zip.NewReader(bytes.NewReader(one.Bytes()), int64(one.Len()))
	if err != nil {
		t.Fatal(err)
	}
	files := map[string]string{}
	for _, f := range r.File {
		content, err := f.Open()
		if err != nil {
			t.Fatal(err)
		}
		text, err := io.ReadAll(content)
		if err != nil {
			t.Fatal(err)
		}
		files[f.Name] = string(text)
	}
	for _, name := range []string{"schema.yaml", "main.tf", "variables.tf", "versions.tf", "outputs.tf", "README.md"} {
		if files[name] == "" {
			t.Errorf("the root has no %s", name)
		}
	}
	names, found := regexp.MustCompile(`source\s*=\s*"(\.[^"]+)"|\$\{path\.module\}/([^"$]+)"`), 0
	for name, text := range files {
		for _, m := range names.FindAllStringSubmatch(text, -1) {
			if !strings.HasSuffix(name, ".tf") {
				continue
			}
			found++
			target := path.Join(path.Dir(name), m[1]+m[2])
			there := false
			for other := range files {
				there = there || strings.HasPrefix(other, target+"/")
			}
			if !there {
				t.Errorf("%s names %s, which the stack does not have", name, target)
			}
		}
		if strings.Contains(name, "tftest") || strings.Contains(name, "..") {
			t.Errorf("the stack has %s", name)
		}
	}
	if found < 5 {
		t.Errorf("only %d names of directories found", found)
	}
}
