// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/ruleset"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
)

// aRule is a complete rule.
const aRule = "- rule: Mine\n  desc: d\n  condition: evt.type = open\n  output: o\n  priority: DEBUG\n"

const rulesURL = "https://download.falco.org/rules/falco-incubating-rules-6.0.1.yaml"

func sumOf(content []byte) string {
	hash := sha256.Sum256(content)
	return hex.EncodeToString(hash[:])
}

func incubating(content string) settings.RulesFile {
	return settings.RulesFile{Name: "incubating", URL: rulesURL, SHA256: sumOf([]byte(content))}
}

func site(content string) settings.RulesFile {
	return settings.RulesFile{Name: "site", Content: content}
}

// withRules returns a converged node whose declared rules are a fetched and a
// written file.
func withRules(t *testing.T) (*fakeNode, settings.Settings) {
	t.Helper()
	n, s := newNode(t, "9.6", uek7)
	n.web = map[string]string{rulesURL: "- list: l\n  items: []\n"}
	s.Falco.Rules = []settings.RulesFile{incubating(n.web[rulesURL]), site(aRule)}
	converged(t, n, s)
	n.clock = n.clock.Add(time.Minute)
	n.fetched, n.questions, n.changes = nil, nil, nil
	return n, s
}

// ruleFiles lists the rules files of the node.
func (n *fakeNode) ruleFiles() []string {
	var names []string
	for name := range n.files {
		if strings.HasPrefix("/"+name, falco.RulesDir+"/") {
			names = append(names, strings.TrimPrefix("/"+name, falco.RulesDir+"/"))
		}
	}
	slices.Sort(names)
	return names
}

func TestRulesAreAsDeclared(t *testing.T) {
	n, s := withRules(t)
	want := []string{"50-falco-bootstrap-incubating.yaml", "51-falco-bootstrap-site.yaml"}
	if diff := cmp.Diff(want, n.ruleFiles()); diff != "" {
		t.Errorf("files (-want +got):\n%s", diff)
	}
	if got := n.read(ruleset.Path(1, "site")); !strings.HasSuffix(got, "\n"+aRule) {
		t.Errorf("the content of site is %q", got)
	}
	if !strings.Contains(n.read(falco.ConfigFile), falco.RulesDir) {
		t.Error("rules_files does not list " + falco.RulesDir)
	}
	inOrder(t, n, s)
	if len(n.fetched)+len(n.questions)+len(n.changes) > 0 {
		t.Errorf("a second run fetched %q, asked %d times and did %q", n.fetched, len(n.questions), n.changes)
	}
}

func TestRulesDrift(t *testing.T) {
	for _, tt := range []struct {
		name  string
		drift func(*fakeNode, *settings.Settings)
		files []string
		why   string
	}{
		{
			"edited", func(n *fakeNode, _ *settings.Settings) { n.write(ruleset.Path(1, "site"), "- list: mine\n") },
			[]string{"50-falco-bootstrap-incubating.yaml", "51-falco-bootstrap-site.yaml"},
			"not as declared",
		},
		{"a fetched one edited", func(n *fakeNode, _ *settings.Settings) {
			n.write(ruleset.Path(0, "incubating"), n.read(ruleset.Path(0, "incubating"))+"# mine\n")
		}, []string{"50-falco-bootstrap-incubating.yaml", "51-falco-bootstrap-site.yaml"}, "not as declared"},
		{
			"missing", func(n *fakeNode, _ *settings.Settings) { delete(n.files, inTree(ruleset.Path(1, "site"))) },
			[]string{"50-falco-bootstrap-incubating.yaml", "51-falco-bootstrap-site.yaml"},
			"missing",
		},
		{
			"no longer declared", func(_ *fakeNode, s *settings.Settings) { s.Falco.Rules = s.Falco.Rules[:1] },
			[]string{"50-falco-bootstrap-incubating.yaml"},
			"no longer declared",
		},
		{"none declared any more", func(_ *fakeNode, s *settings.Settings) { s.Falco.Rules = nil }, nil, "no longer declared"},
		{
			"another order", func(_ *fakeNode, s *settings.Settings) { slices.Reverse(s.Falco.Rules) },
			[]string{"50-falco-bootstrap-site.yaml", "51-falco-bootstrap-incubating.yaml"},
			"missing",
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, s := withRules(t)
			n.write(falco.RulesDir+"/mine.yaml", "- list: m\n  items: []\n")
			n.write(falco.RulesDir+"/52-falco-bootstrap-copy.yaml", "- list: c\n  items: []\n")
			tt.drift(n, &s)
			out, err := planOf(t, n, s, idRules)
			if err != nil || len(out.Changes) == 0 || out.Changes[0].Class() != node.DriftRules {
				t.Fatalf("Plan = %v, %v", out.Changes, err)
			}
			converged(t, n, s)
			inOrder(t, n, s)
			want := append(slices.Clone(tt.files), "52-falco-bootstrap-copy.yaml", "mine.yaml") // never ours
			if diff := cmp.Diff(want, n.ruleFiles()); diff != "" {
				t.Errorf("files (-want +got):\n%s", diff)
			}
		})
	}
}

// Falco is asked about all rules files as they will be, in the order in which it
// loads them, with the configuration as it will be.
func TestFalcoIsAskedAboutTheRules(t *testing.T) {
	n, s := withRules(t)
	n.write(falco.RulesDir+"/10-mine.yaml", "- list: m\n  items: []\n")
	s.Falco.Rules = []settings.RulesFile{site(aRule), {Name: "more", Content: "# more\n"}}
	s.Falco.Config["json_output"] = true
	n.candidates = nil
	out, err := planOf(t, n, s, idRules)
	if err != nil || len(n.questions) != 1 {
		t.Fatalf("Plan = %v, %v, with %d questions", out, err, len(n.questions))
	}
	var paths []string
	for _, f := range n.questions[0].Rules {
		paths = append(paths, f.Path+map[bool]string{true: " new"}[f.Content != nil])
	}
	want := []string{
		"/etc/falco/falco_rules.yaml", falco.RulesDir + "/10-mine.yaml",
		ruleset.Path(0, "site") + " new", ruleset.Path(1, "more") + " new",
	}
	if diff := cmp.Diff(want, paths); diff != "" {
		t.Errorf("rules (-want +got):\n%s", diff)
	}
	if !strings.Contains(n.candidates[0], "json_output: true") {
		t.Errorf("asked with %q", n.candidates[0])
	}
}

func TestRefusedRulesChangeNothing(t *testing.T) {
	n, s := withRules(t)
	s.Falco.Rules[1].Content = aRule + "  nonsense: true\n"
	n.complains = "/etc/falco/rules.d/51-falco-bootstrap-site.yaml:3: rule \"Mine\": bad"
	before := n.state()
	for _, r := range []converge.Result{converge.Plan(t.Context(), n, All(s)), converge.Converge(t.Context(), n, All(s), quiet)} {
		if node.CodeOf(r.Err) != node.CodeConfig || !strings.Contains(r.Err.Error(), n.complains) || node.HintOf(r.Err) == "" {
			t.Errorf("error = %v (%v)", r.Err, node.CodeOf(r.Err))
		}
	}
	if diff := cmp.Diff(before, n.state()); diff != "" {
		t.Errorf("the node changed (-before +after):\n%s", diff)
	}
	n.complains, n.warns = "", []string{ruleset.Path(1, "site") + ":3: unknown key", "/etc/falco/falco_rules.yaml:3: unknown key"}
	if out, err := planOf(t, n, s, idRules); err != nil || len(out.Warnings) != 1 || !strings.Contains(out.Warnings[0].Message, "site.yaml:3: unknown key") {
		t.Errorf("Plan = %v, warnings %v", err, out.Warnings)
	}
}

func TestRulesRefusals(t *testing.T) {
	const good = "- list: l\n  items: []\n"
	for _, tt := range []struct {
		name  string
		drift func(*fakeNode, *settings.Settings)
		code  node.Code
		says  string
		class node.Drift
	}{
		{"another sum", func(_ *fakeNode, s *settings.Settings) { s.Falco.Rules[0].SHA256 = sumOf(nil) }, node.CodeTrust, "the sha256 of what was fetched is " + sumOf([]byte(good)), ""},
		{"not served", func(_ *fakeNode, s *settings.Settings) {
			s.Falco.Rules[0].URL, s.Falco.Rules[0].SHA256 = "/x", sumOf(nil)
		}, node.CodePackages, "falco.rules incubating: fetching /x", ""},
		{"a path to nothing", func(_ *fakeNode, s *settings.Settings) {
			s.Falco.Rules[1] = settings.RulesFile{Name: "site", Path: "/srv/none.yaml"}
		}, node.CodeConfig, "reading falco.rules site", ""},
		{"not an archive", func(n *fakeNode, s *settings.Settings) {
			n.web[rulesURL] = "\x1f\x8bnot"
			s.Falco.Rules[0] = incubating(n.web[rulesURL])
		}, node.CodeConfig, "falco.rules incubating: reading the archive", ""},
		{"too new", func(_ *fakeNode, s *settings.Settings) {
			s.Falco.Rules[1].Content = "- required_engine_version: 0.99.0\n"
		}, node.CodeConfig, "51-falco-bootstrap-site.yaml:3: the rules need engine 0.99.0, and Falco 0.44.1 has 0.62.0", ""},
		{"the unit has its own rules", func(n *fakeNode, _ *settings.Settings) {
			n.modern().ExecStart = []string{"/usr/bin/falco", "-r", "/etc/falco/falco_rules.yaml"}
		}, node.CodeConfig, "decided by the unit's command line", node.DriftRulesUnloaded},
		{"a fragment has its own rules", func(n *fakeNode, _ *settings.Settings) {
			n.write(falco.ConfigFile, strings.ReplaceAll(n.read(falco.ConfigFile), ", "+falco.RulesDir, "")+"config_files: [/etc/falco/config.d]\n")
			n.write(falco.ConfigDir+"/60-mine.yaml", "# mine\nrules_files: [/etc/falco/falco_rules.yaml]\n")
		}, node.CodeConfig, "decided by /etc/falco/config.d/60-mine.yaml:2", node.DriftRulesUnloaded},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, s := withRules(t)
			n.web[rulesURL] = good
			tt.drift(n, &s)
			out, err := planOf(t, n, s, idRules)
			if node.CodeOf(err) != tt.code || !strings.Contains(err.Error(), tt.says) || node.DriftOf(err) != tt.class {
				t.Errorf("Plan = %v, %v (%v, %q), want %v, %q and %q", out.Changes, err, node.CodeOf(err), node.DriftOf(err), tt.code, tt.says, tt.class)
			}
		})
	}
}

// A transaction to a Falco that would not load the rules is refused before it.
func TestRulesAreCheckedBeforeATransaction(t *testing.T) {
	for _, tt := range []struct {
		name  string
		drift func(*fakeNode, *settings.Settings)
		says  string
	}{
		{"published rules", func(*fakeNode, *settings.Settings) {}, "falco-incubating-rules-6.0.1 needs engine 0.57.0, and Falco 0.41.3 has 0.50.0; falco-incubating-rules-5.0.1 fits it"},
		{"declared rules", func(_ *fakeNode, s *settings.Settings) {
			s.Falco.Rules = []settings.RulesFile{site("- required_engine_version: 0.60.0\n")}
		}, "50-falco-bootstrap-site.yaml:3: the rules need engine 0.60.0"},
		{"rules of somebody else", func(n *fakeNode, s *settings.Settings) {
			s.Falco.Rules = nil
			n.write(falco.RulesDir+"/mine.yaml", "- required_engine_version: 0.60.0\n")
		}, "mine.yaml:1: the rules need engine 0.60.0"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, s := withRules(t)
			s.Falco.Version = "0.41.3"
			tt.drift(n, &s)
			before := n.state()
			for _, r := range []converge.Result{converge.Plan(t.Context(), n, All(s)), converge.Converge(t.Context(), n, All(s), quiet)} {
				if node.CodeOf(r.Err) != node.CodeConfig || !strings.Contains(r.Err.Error(), tt.says) || node.HintOf(r.Err) == "" {
					t.Errorf("error = %v (%v), want %q", r.Err, node.CodeOf(r.Err), tt.says)
				}
			}
			if diff := cmp.Diff(before, n.state()); diff != "" {
				t.Errorf("the node changed (-before +after):\n%s", diff)
			}
		})
	}
	n, s := withRules(t)
	s.Falco.Rules[0].URL = strings.Replace(rulesURL, "6.0.1", "4.0.1", 1)
	if out, err := planOf(t, n, s, idRules); err != nil || len(out.Warnings) != 1 || !strings.Contains(out.Warnings[0].Message, "falco-incubating-rules-6.0.1 fits it") {
		t.Errorf("Plan = %v, warnings %v", err, out.Warnings)
	}
}

// A bundle has the downloads, so that the same settings serve a node without a
// network.
func TestRulesFromABundle(t *testing.T) {
	n, s := withRules(t)
	n.web[rulesURL] = "- list: other\n  items: []\n"
	s.Falco.Rules[0] = incubating(n.web[rulesURL])
	s.Falco.RPM = "/srv/bundle"
	n.write("/srv/bundle/rules-incubating.yaml", n.web[rulesURL])
	if out, err := planOf(t, n, s, idRules); err != nil || len(out.Changes) != 1 || len(n.fetched) > 0 {
		t.Errorf("Plan = %v, %v, fetched %q", out.Changes, err, n.fetched)
	}
}

func TestRulesInATree(t *testing.T) {
	n, s := withRules(t)
	n.host.Tree, n.host.Kernel = true, ""
	s.Falco.Rules[1].Content = aRule + "# more\n"
	out, err := planOf(t, n, s, idRules)
	if err != nil || len(out.Changes) != 1 || len(n.questions) > 0 {
		t.Errorf("Plan = %v, %v, with %d questions", out.Changes, err, len(n.questions))
	}
	s.Falco.Rules[1].Content = "- rule: X\n  condition: evt.type = open\n"
	if _, err := planOf(t, n, s, idRules); node.CodeOf(err) != node.CodeConfig || !strings.Contains(err.Error(), `51-falco-bootstrap-site.yaml:3: rule "X": has no output`) {
		t.Errorf("Plan = %v", err)
	}
}

func TestRulesWaitForFalco(t *testing.T) {
	n, s := newNode(t, "9.6", uek7)
	s.Falco.Rules = []settings.RulesFile{site(aRule)}
	r := converge.Plan(t.Context(), n, All(s))
	if step := stepOf(t, r, idRules); r.Err != nil || step.Status != converge.StatusWaiting || !strings.Contains(step.Reason, "site") {
		t.Errorf("Plan = %v, %+v", r.Err, step)
	}
}
