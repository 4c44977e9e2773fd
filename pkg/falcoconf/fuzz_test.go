// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package falcoconf

import (
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
)

// FuzzLoad checks that Load returns either nil and an error, or a configuration
// whose problems each have a text and a hint. The same bytes give the same
// configuration.
func FuzzLoad(f *testing.F) {
	f.Add([]byte(base), []byte("engine: {kind: kmod}\n"), "0.44.1", "engine.kind=kmod")
	f.Add([]byte(base), []byte("rules_files: [a]\nx: &a [*a]\n"), "0.40.0", "a[].b={c: 1}")
	f.Add([]byte("config_files:\n- path: /etc/falco/config.d\n  strategy: add-only\n"), []byte("- a\n"), "", "config_files[0].strategy=append")
	f.Add([]byte("a: 1\na: 2\n---\n"), []byte("config_files: a\n"), "0.38.0", "nothing")
	f.Fuzz(func(t *testing.T, main, fragment []byte, version, option string) {
		fsys := fstest.MapFS{
			"etc/falco/falco.yaml":      {Data: main},
			"etc/falco/config.d/a.yaml": {Data: fragment},
		}
		c, err := Load(fsys, mainFile, Start{Version: version, Overrides: []string{option}})
		if err != nil {
			if c != nil {
				t.Fatalf("Load(%q) = %v and the error %v, want nil", main, c, err)
			}
			wantHint(t, err)
			return
		}
		for _, p := range c.Problems() {
			if p.Message == "" || p.Hint == "" || p.File == "" {
				t.Errorf("Load(%q, %q) has the problem %#v, want a file, a text and a hint", main, fragment, p)
			}
		}
		key, _, _ := strings.Cut(option, "=")
		v, ok := c.Get(key)
		again, _ := Load(fsys, mainFile, Start{Version: version, Overrides: []string{option}})
		w, okAgain := again.Get(key)
		if ok != okAgain || !cmp.Equal(v.Value, w.Value, cmpopts.EquateNaNs()) || v.Origin != w.Origin {
			t.Errorf("Load(%q, %q) again differs at %s: %v, %v", main, fragment, key, v, w)
		}
		c.Overruled([]Setting{{Path: key, Value: "x"}})
		c.Inputs()
	})
}
