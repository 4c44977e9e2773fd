// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/ruleset"
)

const rulesDir = falco.RulesDir

// incubatingRules stands in for falco-incubating-rules-6.0.1.
const incubatingRules = `- required_engine_version: 57
- required_plugin_versions:
    - name: container
      version: 0.4.0
- rule: ` + falco.PackageManagementRule + `
  desc: A package manager in a container.
  condition: evt.type = execve and container.id != host and proc.name in (dnf, yum)
  output: Package management process launched in container | user=%user.name process=%proc.name
  priority: ERROR
  tags: [maturity_incubating]
`

func sumOf(content string) string {
	sum := sha256.Sum256([]byte(content))
	return hex.EncodeToString(sum[:])
}

// withRules returns the setup of a node that declares rules. fetched is the content
// of the rules that are fetched.
func withRules(t *testing.T) Setup {
	t.Helper()
	d := OL("9.6")
	d.Files = map[string]string{"/srv/www/rules/incubating.yaml": incubatingRules, "/etc/falco-standin/delay": "0.2"}
	d.Config = "falco:\n  rules:\n    - {name: incubating, url: " + www + "/rules/incubating.yaml, sha256: " + sumOf(incubatingRules) + "}\n" +
		"    - name: site\n      content: |\n        - rule: " + falco.PackageManagementRule + "\n          tags: [site]\n          override: {tags: append}\n"
	return d
}

// Rules are fetched, written, loaded and shown; a second run does nothing; what is no
// longer declared is removed.
func TestRules(t *testing.T) {
	t.Parallel()
	n := StartConverged(t, withRules(t))
	files := func() string { return n.Must("ls " + rulesDir) }
	if got := files(); got != "50-falco-bootstrap-incubating.yaml\n51-falco-bootstrap-site.yaml\n" {
		t.Fatalf("rules.d holds %q", got)
	}
	t.Run("byte for byte", func(t *testing.T) {
		n.In(t)
		if got := n.ReadFile(ruleset.Path(0, "incubating")); !strings.HasSuffix(got, "\n"+incubatingRules) {
			t.Errorf("the file holds %q", got)
		}
	})
	t.Run("a second run", func(t *testing.T) {
		n.In(t)
		if r := n.Run(); r.Exit != 0 {
			t.Fatal(r)
		}
		n.requireNoChange(t)
	})
	t.Run("shown", func(t *testing.T) {
		n.In(t)
		r := n.Run("config", "show", "--rules")
		Lines(t, r.Stdout, "# /etc/falco/falco_rules.yaml", "# "+rulesDir+"/50-falco-bootstrap-incubating.yaml", "on", "WARNING", "Read sensitive file untrusted",
			"on", "ERROR", falco.PackageManagementRule, "50-falco-bootstrap-incubating.yaml:7", "amended by "+rulesDir+"/51-falco-bootstrap-site.yaml:3; tags maturity_incubating site")
		var all ruleset.InForce
		if err := json.Unmarshal([]byte(n.Run("config", "show", "--rules", "--output=json").Stdout), &all); err != nil {
			t.Fatal(err)
		}
		if rule, ok := all.Find(falco.PackageManagementRule); !ok || !rule.Enabled || !slices.Contains(rule.Tags, "site") {
			t.Errorf("the JSON has %+v", rule)
		}
	})
	t.Run("an alert of a rule", func(t *testing.T) {
		n.In(t)
		n.Must(`(sleep 2; echo '10:00:00.000000000: Error Package management process launched in container | user=root process=dnf container_id=0a1b container_name=web k8s_pod_name=web-1 k8s_ns_name=shop' >>/var/log/falco.log) >/dev/null 2>&1 &`)
		r := n.Run("verify", "--rule", falco.PackageManagementRule, "--within", "30s")
		if r.Exit != 0 || !strings.Contains(r.Stdout, "in container web, pod shop/web-1") {
			t.Error(r)
		}
	})
	t.Run("no alert of a rule", func(t *testing.T) {
		n.In(t)
		for _, tt := range []struct {
			rule  string
			flags []string
			says  string
		}{
			{falco.PackageManagementRule, nil, "needs a process in a container"},
			{"No Such Rule", nil, `falco loads no rule "No Such Rule"`},
		} {
			began := time.Now()
			r := n.Run(append([]string{"verify", "--rule", tt.rule, "--within=1s"}, tt.flags...)...)
			if r.Exit != 7 || !strings.Contains(r.Stderr+r.Stdout, tt.says) || time.Since(began) > 20*time.Second {
				t.Errorf("%s: %v", tt.rule, r)
			}
		}
	})
	t.Run("disabled by a selection", func(t *testing.T) {
		n.In(t)
		n.WriteFile("/etc/falco/config.d/60-off.yaml", "rules:\n  - disable: {tag: site}\n")
		r := n.Run("verify", "--rule", falco.PackageManagementRule, "--within=1s")
		if r.Exit != 7 || !strings.Contains(r.Stderr+r.Stdout, "is disabled by /etc/falco/config.d/60-off.yaml:2") {
			t.Error(r)
		}
		n.Must("rm /etc/falco/config.d/60-off.yaml")
	})
	t.Run("edited", func(t *testing.T) {
		n.In(t)
		n.Must("echo '# mine' >>" + ruleset.Path(0, "incubating"))
		if r := n.Run("--dry-run"); r.Exit != 2 || !strings.Contains(r.Stdout, "-# mine") {
			t.Errorf("a dry run: %v", r)
		}
		if r := n.Run(); r.Exit != 0 || strings.Contains(n.ReadFile(ruleset.Path(0, "incubating")), "# mine") {
			t.Errorf("a run: %v", r)
		}
	})
	t.Run("no longer declared", func(t *testing.T) {
		n.In(t)
		n.WriteFile(rulesDir+"/10-mine.yaml", "- list: mine\n  items: []\n")
		n.Must("sed -i '/name: site/,$d' /etc/falco-bootstrap.yaml")
		if r := n.Run(); r.Exit != 0 || files() != "10-mine.yaml\n50-falco-bootstrap-incubating.yaml\n" {
			t.Errorf("rules.d holds %q: %v", files(), r)
		}
		n.requireNoChange(t)
		if r := n.Run("verify"); r.Exit != 0 {
			t.Errorf("verify: %v", r)
		}
	})
}

// What Falco refuses changes nothing, and a dry run says the same.
func TestRulesRefused(t *testing.T) {
	t.Parallel()
	n := StartConverged(t, withRules(t))
	const bad = "- rule: Bad\n  desc: x\n  condition: nosuch.field = 1\n  output: x\n  priority: INFO\n"
	n.WriteFile("/srv/site.yaml", bad)
	n.WriteFile("/srv/www/rules/changed.yaml", bad)
	n.WriteFile("/srv/macro.yaml", strings.Replace(bad, "nosuch.field = 1", "nowhere and evt.type = open", 1))
	n.WriteFile("/srv/append.yaml", "- rule: Nowhere\n  tags: [x]\n  override: {tags: append}\n")
	n.WriteFile("/srv/priority.yaml", strings.Replace(strings.Replace(bad, "nosuch.field = 1", "evt.type = open", 1), "INFO", "LOUD", 1))
	n.WriteFile("/srv/new.yaml", "- required_engine_version: 99\n")
	n.WriteFile("/srv/plugin.yaml", "- required_plugin_versions:\n    - name: k8saudit\n      version: 0.7.0\n")
	for _, tt := range []struct {
		name string
		flag string
		exit int
		says string
	}{
		{"a rule with an unknown field", "--rules-file=site=/srv/site.yaml", 6, rulesDir + `/51-falco-bootstrap-site.yaml:3: rule "Bad": Error compiling condition: filter_check called with nonexistent field nosuch.field`},
		{"a macro that is not defined", "--rules-file=site=/srv/macro.yaml", 6, `51-falco-bootstrap-site.yaml:3: rule "Bad": Error validating rule/macro/list/exception objects: Undefined macro 'nowhere' used in filter.`},
		{"an addition to a rule that does not exist", "--rules-file=site=/srv/append.yaml", 6, `51-falco-bootstrap-site.yaml:3: rule "Nowhere": Error validating rule/macro/list/exception objects: Rule uses 'append' or 'override.<key>: append' but no rule by that name already exists`},
		{"an unknown priority", "--rules-file=site=/srv/priority.yaml", 6, `51-falco-bootstrap-site.yaml:3: rule "Bad": Error validating internal structure of YAML file: Invalid priority`},
		{"rules for a newer Falco", "--rules-file=site=/srv/new.yaml", 6, "51-falco-bootstrap-site.yaml:3: the rules need engine 0." + "99.0, and Falco 0.44.1 has " + falco.Engine("0.44.1")},
		{"rules for a plugin that is not loaded", "--rules-file=site=/srv/plugin.yaml", 6, "Plugin requirement not satisfied, must load one of: k8saudit (>= 0.7.0)"},
		{"another sum", "--rules-file=site={url: " + www + "/rules/changed.yaml, sha256: " + sumOf("") + "}", 4, "the sha256 of what was fetched is " + sumOf(bad)},
		{"not served", "--rules-file=site={url: " + www + "/rules/none.yaml, sha256: " + sumOf("") + "}", 5, "404"},
		{"a sum that is missing", "--rules-file=site={url: " + www + "/rules/none.yaml}", 64, "sha256: is missing"},
		{"a downgrade of Falco", "--falco-version=0.41.3", 6, "and Falco 0.41.3 has " + falco.Engine("0.41.3")},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n.In(t)
			before := n.configAndUnit() + n.Must("sha256sum "+rulesDir+"/*")
			for _, mode := range []string{"--dry-run=true", "--dry-run=false"} {
				r := n.Run(mode, tt.flag)
				if r.Exit != tt.exit || !strings.Contains(r.Stderr+r.Stdout, tt.says) {
					t.Errorf("%s: want exit %d and %q: %v", mode, tt.exit, tt.says, r)
				}
			}
			if after := n.configAndUnit() + n.Must("sha256sum "+rulesDir+"/*"); after != before {
				t.Errorf("the node was\n%s and is\n%s", before, after)
			}
			if left := n.Must("ls /dev/shm"); strings.Contains(left, "falco-bootstrap") {
				t.Errorf("left in memory: %q", left)
			}
		})
	}
	t.Run("a warning", func(t *testing.T) {
		n.In(t)
		n.WriteFile("/srv/site.yaml", strings.Replace(bad, "nosuch.field = 1", "evt.type = open\n  owner: me", 1))
		all := reportOf(t, n.Run("--rules-file=site=/srv/site.yaml", "--output=json"))
		if all.Exit.Code != 0 || !strings.Contains(warned(all), `51-falco-bootstrap-site.yaml:3: rule "Bad": Unknown key 'owner'`) {
			t.Errorf("exit %d, warnings %q", all.Exit.Code, warned(all))
		}
	})
}

// A Falco before 0.37 has rules_file, -L in the place of --dry-run, and append: true.
func TestRulesOfAnOldFalco(t *testing.T) {
	t.Parallel()
	d := OL("8.10").RHCK()
	d.Falco = "0.34.1"
	d.Files = map[string]string{"/etc/falco-standin/delay": "0.2"}
	d.Config = "falco:\n  driver: kmod\n  rules:\n    - name: site\n      content: |\n        - rule: Read sensitive file untrusted\n          condition: and not proc.name = backup\n          append: true\n"
	n := Start(t, d)
	if r := n.Run("--falco-version=0.34.1"); r.Exit != 0 {
		t.Fatal(r)
	}
	n.requireNoChange(t, "--falco-version=0.34.1")
	r := n.Run("config", "show", "--rules", "--falco-version=0.34.1")
	Lines(t, r.Stdout, "on", "Read sensitive file untrusted", "amended by "+rulesDir+"/50-falco-bootstrap-site.yaml:3")
	n.WriteFile("/srv/bad.yaml", "- rule: Bad\n  desc: x\n  condition: nosuch.field = 1\n  output: x\n  priority: INFO\n")
	if r := n.Run("--falco-version=0.34.1", "--rules-file=bad=/srv/bad.yaml"); r.Exit != 6 || !strings.Contains(r.Stdout, "51-falco-bootstrap-bad.yaml:3") {
		t.Errorf("a rule with an unknown field: %v", r)
	}
}

// A bundle has the rules that are fetched. A node without a network takes them from
// there with the same settings.
func TestRulesOffline(t *testing.T) {
	t.Parallel()
	const bundle = "/srv/bundle"
	d := withRules(t)
	connected := StartConverged(t, d)
	if r := connected.Run("bundle", bundle); r.Exit != 0 || !strings.Contains(r.Stdout, sumOf(incubatingRules)+"  "+bundle+"/rules-incubating.yaml") {
		t.Fatal(r)
	}
	n := Start(t, d)
	connected.copyDirTo(n, bundle)
	n.Must("systemctl stop node-server")
	if r := n.Run("--falco-rpm", bundle, "--repository-gpgkey", bundle+"/RPM-GPG-KEY-falcosecurity"); r.Exit != 0 {
		t.Fatal(r)
	}
	if got := n.ReadFile(ruleset.Path(0, "incubating")); !strings.HasSuffix(got, "\n"+incubatingRules) {
		t.Errorf("the file holds %q", got)
	}
	n.Must("rm -r " + bundle)
	r := n.Run("--dry-run")
	Lines(t, r.Stdout, "rules       ok       as declared: incubating, site", "1 to change")
	if r.Exit != 2 || !strings.Contains(r.Stdout, "+enabled=1") {
		t.Errorf("without the bundle, the repository is to be switched on and nothing else: %v", r)
	}
}

// A node whose rules cannot be fetched gets a Falco that runs without them.
func TestRulesThatCannotBeFetched(t *testing.T) {
	t.Parallel()
	d := withRules(t)
	n := Start(t, d)
	n.Faults("/rules/ 404")
	for range 2 {
		all := reportOf(t, n.Run("--output=json"))
		if all.Exit.Code != 5 || !strings.Contains(failure(all).Message, "falco.rules incubating: fetching") || failure(all).Hint == "" {
			t.Errorf("exit %d: %+v", all.Exit.Code, failure(all))
		}
	}
	if !n.Unit(modernUnit).Running() || !n.Alert("/var/log/falco.log", 10*time.Second) {
		t.Error("Falco does not detect")
	}
	n.Must("rm /etc/falco-standin/http")
	if r := n.Run(); r.Exit != 0 {
		t.Error(r)
	}
	n.requireNoChange(t)
}

// The settings files of docs/rules.md work as they are, apart from where the node has
// its repository and the incubating rules.
func TestRulesPage(t *testing.T) {
	t.Parallel()
	page, err := os.ReadFile("../docs/rules.md")
	if err != nil {
		t.Fatal(err)
	}
	n := StartConverged(t, OL("9.6"))
	n.Quirk("delay", "0.2")
	n.WriteFile("/srv/www/rules/incubating.yaml", incubatingRules)
	own := n.ReadFile("/etc/falco-bootstrap.yaml")
	for _, block := range regexp.MustCompile("(?s)## ([^\n]*)\n(?:[^#]|#[^#])*?```yaml\n(.*?)```").FindAllStringSubmatch(string(page), -1) {
		t.Run(block[1], func(t *testing.T) {
			n.In(t)
			text := regexp.MustCompile(`url: \S+`).ReplaceAllString(block[2], "url: "+www+"/rules/incubating.yaml")
			text = regexp.MustCompile(`sha256: \S+`).ReplaceAllString(text, "sha256: "+sumOf(incubatingRules))
			n.WriteFile("/etc/falco-bootstrap.yaml", own+text)
			if r := n.Run(); r.Exit != 0 {
				t.Fatal(r)
			}
			if r := n.Run("--dry-run"); r.Exit != 0 {
				t.Errorf("afterwards: %v", r)
			}
			if r := n.Run("config", "show", "--rules"); r.Exit != 0 || !strings.Contains(r.Stdout, "50-falco-bootstrap-") {
				t.Error(r)
			}
		})
	}
}
