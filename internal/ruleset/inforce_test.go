// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package ruleset

import (
	"fmt"
	"io/fs"
	"strings"
	"testing"
	"testing/fstest"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/falcoconf"
)

// A treeView is a View of files alone.
type treeView struct {
	node.View
	files fstest.MapFS
}

func (v treeView) Tree() fs.FS { return v.files }

func rule(name, priority, more string) string {
	return "- rule: " + name + "\n  desc: d\n  condition: c\n  output: o\n  priority: " + priority + "\n" + more
}

func TestInForce(t *testing.T) {
	files := fstest.MapFS{
		"etc/falco/falco_rules.yaml": {Data: []byte(rule("A", "WARNING", "  tags: [x]\n") + rule("B", "DEBUG", "") + rule("C", "ERROR", "  source: k8s_audit\n") + "- macro: m\n  condition: c\n- list: l\n  items: []\n")},
		"etc/falco/rules.d/10.yaml":  {Data: []byte("# site\n" + rule("A", "ERROR", "  tags: [y]\n") + "- macro: m\n  condition: d\n  append: true\n")},
	}
	const main = "priority: notice\nrules_files: [/etc/falco/falco_rules.yaml, /etc/falco/rules.d]\n"
	for _, tt := range []struct {
		name, version, config, options string
		want                           []string
	}{
		{"all", "0.44.1", "", "", []string{
			"A on by /etc/falco/rules.d/10.yaml:2 ERROR [y] @/etc/falco/rules.d/10.yaml:2 replaces /etc/falco/falco_rules.yaml:1",
			"B on by /etc/falco/falco_rules.yaml:7 DEBUG [] @/etc/falco/falco_rules.yaml:7 silent: its priority DEBUG is below the lowest that is reported, notice (/etc/falco/falco.yaml:1)",
			"C on by /etc/falco/falco_rules.yaml:12 ERROR [] @/etc/falco/falco_rules.yaml:12",
		}},
		{"selected", "0.44.1", "rules:\n  - disable: {rule: '*'}\n  - enable: {tag: y}\n", "--disable-source k8s_audit", []string{
			"A on by /etc/falco/falco.yaml:5 ERROR [y] @/etc/falco/rules.d/10.yaml:2 replaces /etc/falco/falco_rules.yaml:1",
			"B off by /etc/falco/falco.yaml:4 DEBUG [] @/etc/falco/falco_rules.yaml:7 silent: its priority DEBUG is below the lowest that is reported, notice (/etc/falco/falco.yaml:1)",
			"C off by /etc/falco/falco.yaml:4 ERROR [] @/etc/falco/falco_rules.yaml:12 silent: an option of the unit turns off its source k8s_audit",
		}},
		{"other files by options", "0.44.1", "", "-r /etc/falco/rules.d", []string{"A on by /etc/falco/rules.d/10.yaml:2 ERROR [y] @/etc/falco/rules.d/10.yaml:2"}},
		{"old options", "0.38.2", "", "-D A -T nothing", []string{
			"A off by the unit's option -D A ERROR [y] @/etc/falco/rules.d/10.yaml:2 replaces /etc/falco/falco_rules.yaml:1",
			"B on by /etc/falco/falco_rules.yaml:7 DEBUG [] @/etc/falco/falco_rules.yaml:7 silent: its priority DEBUG is below the lowest that is reported, notice (/etc/falco/falco.yaml:1)",
			"C on by /etc/falco/falco_rules.yaml:12 ERROR [] @/etc/falco/falco_rules.yaml:12",
		}},
		{"only a tag", "0.38.2", "", "-t y", []string{
			"A on by the unit's option -t y ERROR [y] @/etc/falco/rules.d/10.yaml:2 replaces /etc/falco/falco_rules.yaml:1",
			"B off by the unit's option -t y DEBUG [] @/etc/falco/falco_rules.yaml:7 silent: its priority DEBUG is below the lowest that is reported, notice (/etc/falco/falco.yaml:1)",
			"C off by the unit's option -t y ERROR [] @/etc/falco/falco_rules.yaml:12",
		}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			config, err := falcoconf.LoadCandidate(files, falco.ConfigFile, []byte(main+tt.config), falcoconf.Start{Version: tt.version})
			if err != nil {
				t.Fatal(err)
			}
			d := Declared{View: treeView{files: files}, Version: tt.version}
			f, err := d.InForce(falco.ParseCommandLine(tt.version, append([]string{"/usr/bin/falco"}, strings.Fields(tt.options)...)), config)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for _, r := range f.Rules {
				line := fmt.Sprintf("%s %s by %s %s %v @%s", r.Name, map[bool]string{true: "on", false: "off"}[r.Enabled], r.By, r.Priority, r.Tags, r.Origin)
				for _, p := range r.Replaces {
					line += " replaces " + p
				}
				if r.Silent != "" {
					line += " silent: " + r.Silent
				}
				got = append(got, line)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("InForce (-want +got):\n%s", diff)
			}
			if _, found := f.Find("A"); !found || (len(f.Problems) > 0) != strings.HasPrefix(tt.options, "-r") || tt.name == "all" && (len(f.Lists) != 1 || len(f.Macros) != 1 || len(f.Macros[0].Amended) != 1 || len(f.Files) != 2) {
				t.Errorf("InForce: macros %v, lists %v, files %v, problems %q", f.Macros, f.Lists, f.Files, f.Problems)
			}
		})
	}
}

// The directory is added to what falco.yaml lists, as it is written there.
func TestKeys(t *testing.T) {
	for _, tt := range []struct{ name, version, main, fragment, want string }{
		{"a list", "0.44.1", "rules_files: [/a.yaml, \"${EXTRA}\"]", "", "rules_files [/a.yaml ${EXTRA} /etc/falco/rules.d]"},
		{"a scalar", "0.44.1", "rules_files: /a.yaml", "", "rules_files [/a.yaml /etc/falco/rules.d]"},
		{"nothing", "0.44.1", "x: 1", "", "rules_files [/etc/falco/rules.d]"},
		{"there already", "0.44.1", "rules_files: [/a.yaml, /etc/falco/rules.d/]", "", ""},
		{"the old key", "0.44.1", "rules_file: [/a.yaml]", "", "rules_file [/a.yaml /etc/falco/rules.d]"},
		{"an old Falco", "0.36.2", "rules_file: [/a.yaml]", "", "rules_file [/a.yaml /etc/falco/rules.d]"},
		{"a fragment decides", "0.44.1", "rules_files: [/a.yaml]\nconfig_files: [/etc/falco/config.d]", "rules_files: [/b.yaml]", ""},
		{"a fragment adds it", "0.44.1", "rules_files: [/a.yaml]\nconfig_files: [/etc/falco/config.d]", "rules_files: [/etc/falco/rules.d]", ""},
	} {
		files := fstest.MapFS{"etc/falco/rules.d/x.yaml": {}, "etc/falco/config.d/x.yaml": {Data: []byte(tt.fragment)}}
		config, err := falcoconf.LoadCandidate(files, falco.ConfigFile, []byte(tt.main), falcoconf.Start{Version: tt.version})
		if err != nil {
			t.Fatal(err)
		}
		d := Declared{View: treeView{files: files}, Version: tt.version}
		d.Settings.Falco.Rules = []settings.RulesFile{{Name: "a", Content: "x"}}
		got := ""
		for _, k := range d.Keys(config, []byte(tt.main)) {
			got += fmt.Sprint(k.Path, " ", k.Value)
		}
		if got != tt.want {
			t.Errorf("%s: Keys = %q, want %q", tt.name, got, tt.want)
		}
	}
}
