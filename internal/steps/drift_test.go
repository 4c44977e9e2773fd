// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package steps

import (
	"io/fs"
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/falco"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/settings"
	"github.com/falco-bootstrap/falco-bootstrap/internal/trust"
	"github.com/falco-bootstrap/falco-bootstrap/internal/vocabulary"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// stepOf returns the result of one step of a plan.
func stepOf(t *testing.T, r converge.Result, id string) converge.StepResult {
	t.Helper()
	for _, s := range r.Steps {
		if s.ID == id {
			return s
		}
	}
	t.Fatalf("no step %s", id)
	return converge.StepResult{}
}

// changes returns all changes of a plan that alter the node.
func changes(r converge.Result) []node.Change {
	var all []node.Change
	for _, s := range r.Steps {
		all = append(all, slices.DeleteFunc(slices.Clone(s.Changes), node.IsProbe)...)
	}
	return all
}

// planOf plans one step.
func planOf(t *testing.T, v node.View, s settings.Settings, id string) (converge.Outcome, error) {
	t.Helper()
	for _, step := range All(s) {
		if step.ID() == id {
			return step.Plan(t.Context(), v)
		}
	}
	t.Fatalf("no step %s", id)
	return converge.Outcome{}, nil
}

// A Falco that exited once, and has run for a long time since, is in order.
func TestOldRestartIsNoCrashLoop(t *testing.T) {
	n, s := newNode(t, "8.10", uek7)
	converged(t, n, s)
	n.clock = n.clock.Add(time.Hour)
	n.modern().NRestarts, n.modern().Started = 3, n.clock.Add(-settleTime)
	inOrder(t, n, s)
}

// A proof that this user may not read is neither present nor missing.
func TestHiddenProofIsUnknown(t *testing.T) {
	n, s := newNode(t, "8.10", uek7)
	converged(t, n, s)
	n.proof = node.Proof{Hidden: true}
	r := converge.Plan(t.Context(), n, All(s))
	if got := stepOf(t, r, "proof"); got.Status != converge.StatusUnknown || r.HasProbe() || r.Pending() || !r.Unknown() {
		t.Errorf("proof is %s (%s), probe %v, pending %v; want unknown and neither", got.Status, got.Reason, r.HasProbe(), r.Pending())
	}
}

func TestOverruledIsADriftOfItsOwn(t *testing.T) {
	n, s := newNode(t, "8.10", uek7)
	converged(t, n, s)
	n.write(falco.ConfigFile, n.read(falco.ConfigFile)+"config_files: [/etc/falco/config.d]\n")
	converged(t, n, s)
	n.write("/etc/falco/config.d/50-site.yaml", "file_output: {enabled: false}\n")
	r := converge.Plan(t.Context(), n, All(s))
	if got := node.DriftOf(r.Err); got != node.DriftConfigOverruled {
		t.Errorf("DriftOf(%v) = %q, want %q", r.Err, got, node.DriftConfigOverruled)
	}
}

// Falco's revoked and expired keys are removed, each for its own reason; others
// stay.
func TestDeadKeysAreRemoved(t *testing.T) {
	const name = "Falcosecurity Package Signing"
	day := 24 * time.Hour
	expired := trust.Key{Fingerprint: "E", UserIDs: []string{name}, Expires: now.Add(-day)}
	revoked := trust.Key{Fingerprint: "R", UserIDs: []string{name}, Revoked: true, RevokedAt: now.Add(-day)}
	both := trust.Key{Fingerprint: "B", UserIDs: []string{name}, Expires: now.Add(-day), Revoked: true, RevokedAt: now.Add(-day)}
	withdrawn := trust.Key{Fingerprint: "15ED05F191E40D74BA47109F9F76B25B3672BA8F"}
	live := trust.Key{Fingerprint: "L", UserIDs: []string{name}, Expires: now.Add(day)}
	stranger := trust.Key{Fingerprint: "S", UserIDs: []string{"somebody"}, Revoked: true}
	var ring []ringKey
	for _, k := range []trust.Key{expired, revoked, both, withdrawn, live, stranger} {
		ring = append(ring, ringKey{Key: k, pkg: k.Fingerprint})
	}
	want := map[string]node.Drift{
		"E": node.DriftKeyExpired, "R": node.DriftKeyRevoked, "B": node.DriftKeyRevoked,
		withdrawn.Fingerprint: node.DriftKeyRevoked,
	}
	for _, c := range removeDead(ring, nil, now) {
		got := c.(node.RemoveKey)
		if want[got.Fingerprint] != got.Drift || got.Why == "" {
			t.Errorf("%s is removed as %s (%s), want %q", got.Fingerprint, got.Drift, got.Why, want[got.Fingerprint])
		}
		delete(want, got.Fingerprint)
	}
	for f := range want {
		t.Errorf("%s stays", f)
	}
}

// Each drift has its class, and is mended for good.
func TestDrift(t *testing.T) {
	for _, tt := range []struct {
		name  string
		drift node.Drift
		make  func(*fakeNode, *settings.Settings)
	}{
		{"falco.yaml edited", node.DriftConfigEdited, func(n *fakeNode, _ *settings.Settings) {
			n.write(falco.ConfigFile, strings.Replace(n.read(falco.ConfigFile), "  enabled: true\n  keep", "  enabled: no\n  keep", 1))
		}},
		{"falco.yaml replaced", node.DriftConfigReplaced, func(n *fakeNode, _ *settings.Settings) {
			n.write(vocabulary.SavedConfig, n.read(falco.ConfigFile)+"priority: warning\n")
			n.write(falco.ConfigFile, falcoYAML)
			n.files[inTree(falco.ConfigFile)].ModTime = now.Add(-time.Hour) // when the package was built
		}},
		{"falco.yaml edited after it was replaced", node.DriftConfigEdited, func(n *fakeNode, _ *settings.Settings) {
			n.write(vocabulary.SavedConfig, n.read(falco.ConfigFile))
			n.write(falco.ConfigFile, falcoYAML)
		}},
		{"unit stopped", node.DriftUnitStopped, func(n *fakeNode, _ *settings.Settings) {
			n.modern().ActiveState, n.modern().SubState = "inactive", "dead"
		}},
		{"unit failed", node.DriftUnitFailed, func(n *fakeNode, _ *settings.Settings) {
			n.modern().ActiveState, n.modern().SubState = "failed", "failed"
		}},
		{"unit crash-loops", node.DriftUnitCrashLoop, func(n *fakeNode, _ *settings.Settings) {
			n.modern().ActiveState, n.modern().SubState = "activating", "auto-restart"
		}},
		{"unit was restarted just now", node.DriftUnitCrashLoop, func(n *fakeNode, _ *settings.Settings) {
			n.modern().NRestarts, n.modern().Started = 3, n.clock.Add(time.Minute-time.Second)
		}},
		{"process stopped", node.DriftUnitFrozen, func(n *fakeNode, _ *settings.Settings) { n.vitals.State = "T" }},
		{"process dead", node.DriftUnitFrozen, func(n *fakeNode, _ *settings.Settings) {
			n.vitals.State, n.clock = "Z", n.clock.Add(time.Hour)
		}},
		{"unit disabled", node.DriftUnitDisabled, func(n *fakeNode, _ *settings.Settings) { n.modern().UnitFileState = "disabled" }},
		{"unit masked", node.DriftUnitMasked, func(n *fakeNode, _ *settings.Settings) {
			n.modern().UnitFileState, n.modern().LoadState = "masked", "masked"
		}},
		{"unit files not read", node.DriftUnitReload, func(n *fakeNode, _ *settings.Settings) { n.modern().NeedReload = true }},
		{"drop-in not read, though systemd needs no reload", node.DriftUnitReload, func(n *fakeNode, _ *settings.Settings) { n.modern().DropIns = nil }},
		{"another unit enabled", node.DriftUnitExtra, func(n *fakeNode, _ *settings.Settings) { n.units["falco-custom.service"].UnitFileState = "enabled" }},
		{"another unit running", node.DriftUnitExtra, func(n *fakeNode, _ *settings.Settings) {
			n.units["falco-kmod.service"].ActiveState, n.units["falco-kmod.service"].SubState = "active", "running"
		}},
		{"alias elsewhere", node.DriftUnitAlias, func(n *fakeNode, _ *settings.Settings) {
			n.units["falco-custom.service"].UnitFileState = "enabled"
			n.units[falco.AliasUnit] = n.units["falco-custom.service"]
		}},
		{"follow unmasked", node.DriftFollow, func(n *fakeNode, _ *settings.Settings) {
			n.units[falco.FollowUnit].UnitFileState, n.units[falco.FollowUnit].LoadState = "disabled", "loaded"
		}},
		{"follow masked and not read", node.DriftFollow, func(n *fakeNode, _ *settings.Settings) { n.units[falco.FollowUnit].LoadState = "loaded" }},
		{"follow masked and running", node.DriftFollow, func(n *fakeNode, _ *settings.Settings) {
			n.units[falco.FollowUnit].ActiveState, n.units[falco.FollowUnit].SubState = "active", "running"
		}},
		{"configuration newer than the process", node.DriftConfigStale, func(n *fakeNode, _ *settings.Settings) {
			n.write("/etc/falco/falco_rules.yaml", "- rule: y\n")
		}},
		{"upgraded by somebody else", node.DriftConfigStale, func(n *fakeNode, _ *settings.Settings) {
			n.clock = n.clock.Add(time.Minute)
			n.packages[0].Installed = n.clock
		}},
		{"another version than pinned", node.DriftVersion, func(_ *fakeNode, s *settings.Settings) { s.Falco.Version = "0.43.1" }},
		{"a version that must go", node.DriftVersion, func(n *fakeNode, _ *settings.Settings) { n.packages[0].Version = "0.40.0" }},
		{"files altered", node.DriftFiles, func(n *fakeNode, _ *settings.Settings) {
			n.altered = []node.AlteredFile{{Path: "/usr/bin/falco", What: "S.5"}}
		}},
		{"a configuration file missing", node.DriftFiles, func(n *fakeNode, _ *settings.Settings) {
			n.altered = []node.AlteredFile{{Path: "/etc/falco/falco_rules.yaml", Missing: true, What: "missing"}}
		}},
		{"a file gone from a directory that rpm may not see", node.DriftFiles, func(n *fakeNode, _ *settings.Settings) {
			n.altered = []node.AlteredFile{{Path: "/etc/falco/config.d/x.yaml", Missing: true, Unseen: true, What: "missing"}}
		}},
		{"a program that cannot be executed", node.DriftFiles, func(n *fakeNode, _ *settings.Settings) {
			n.write("/usr/bin/falco", "")
			n.altered = []node.AlteredFile{{Path: "/usr/bin/falco", What: ".M......."}}
		}},
		{"a program that everybody may write", node.DriftFiles, func(n *fakeNode, _ *settings.Settings) {
			n.write("/usr/bin/falco", "")
			n.files["usr/bin/falco"].Mode = 0o777
			n.altered = []node.AlteredFile{{Path: "/usr/bin/falco", What: ".M......."}}
		}},
		{"a plugin of another owner", node.DriftFiles, func(n *fakeNode, _ *settings.Settings) {
			n.write("/usr/share/falco/plugins/libcontainer.so", "")
			n.altered = []node.AlteredFile{{Path: "/usr/share/falco/plugins/libcontainer.so", What: ".....U..."}}
		}},
		{"falco.yaml removed", node.DriftFiles, func(n *fakeNode, _ *settings.Settings) { delete(n.files, inTree(falco.ConfigFile)) }},
		{"repository edited", node.DriftRepository, func(n *fakeNode, _ *settings.Settings) {
			n.write(repoFile, strings.Replace(n.read(repoFile), "\ngpgcheck=1", "\ngpgcheck=0", 1))
		}},
		{"repository disabled", node.DriftRepository, func(n *fakeNode, _ *settings.Settings) {
			n.write(repoFile, strings.Replace(n.read(repoFile), "enabled=1", "enabled=0", 1))
		}},
		{"repository with a mirrorlist", node.DriftRepository, func(n *fakeNode, _ *settings.Settings) {
			n.write(repoFile, n.read(repoFile)+"mirrorlist=http://x\n")
		}},
		{"repository removed", node.DriftAbsent, func(n *fakeNode, _ *settings.Settings) { delete(n.files, inTree(repoFile)) }},
		{"section twice", node.DriftRepositoryTwice, func(n *fakeNode, _ *settings.Settings) {
			n.write(repoDir+"/a.repo", "[other]\nenabled=0\n[falcosecurity-rpm]\nbaseurl=http://x\n")
		}},
		{"key missing", node.DriftKeyMissing, func(n *fakeNode, _ *settings.Settings) { n.keys = nil }},
		{"key file missing", node.DriftKeyMissing, func(n *fakeNode, _ *settings.Settings) { delete(n.files, inTree(KeyFile)) }},
		{"EPEL left enabled", node.DriftEPEL, func(n *fakeNode, _ *settings.Settings) { n.write(repoDir+"/e.repo", "[ol8_developer_EPEL]\n") }},
		{"drop-in missing", node.DriftPreloadMissing, func(n *fakeNode, _ *settings.Settings) { delete(n.files, inTree(dropIn)) }},
		{"drop-in edited", node.DriftPreloadStale, func(n *fakeNode, _ *settings.Settings) { n.write(dropIn, "[Service]\n") }},
		{"drop-in of another unit", node.DriftPreloadStale, func(n *fakeNode, _ *settings.Settings) {
			n.write("/etc/systemd/system/falco-kmod.service.d/"+dropInName, "[Service]\n")
		}},
		{"log's mode", node.DriftLogMode, func(n *fakeNode, _ *settings.Settings) { n.files["var/log/falco.log"].Mode = 0o644 }},
		{"log moved from under a Falco that keeps it open", node.DriftLogMoved, func(n *fakeNode, _ *settings.Settings) {
			n.keepAlive()
			n.vitals.Appends = []string{"/var/log/falco.log (deleted)"}
		}},
		{"no rotation", node.DriftLogrotate, func(n *fakeNode, _ *settings.Settings) { delete(n.files, inTree(logrotateFile)) }},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "8.10", uek7)
			converged(t, n, s)
			n.clock = n.clock.Add(time.Minute)
			tt.make(n, &s)
			n.clock = n.clock.Add(time.Minute)
			r := converge.Plan(t.Context(), n, All(s))
			var classes []node.Drift
			for _, c := range changes(r) {
				classes = append(classes, c.Class())
			}
			if r.Err != nil || !slices.Contains(classes, tt.drift) {
				t.Errorf("Plan = %v, drift %q, want %s", r.Err, classes, tt.drift)
			}
			converged(t, n, s)
			inOrder(t, n, s)
		})
	}
}

// Modes and owners that a site has chosen are no reason for a reinstall.
func TestHardeningStays(t *testing.T) {
	for _, tt := range []struct {
		name, path, what string
		mode             fs.FileMode
		unseen           bool
	}{
		{"a directory's mode", "/usr/share/falco", ".M.......", fs.ModeDir | 0o700, false},
		{"a directory's owner and group", "/etc/falco", ".M...UG..", fs.ModeDir | 0o700, false},
		{"a program that fewer may execute", "/usr/bin/falco", ".M....G..", 0o750, false},
		{"a program's capabilities", "/usr/bin/falco", "........P", 0o755, false},
		{"a file that fewer may read", "/usr/share/falco/plugins/libcontainer.so", ".M.......", 0o600, false},
		{"a file in a directory that rpm may not see", "/etc/falco/falco_rules.yaml", "missing", 0o644, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			n, s := newNode(t, "8.10", uek7)
			converged(t, n, s)
			if _, err := fs.Stat(n.files, inTree(tt.path)); err != nil {
				n.files[inTree(tt.path)] = &fstest.MapFile{Mode: tt.mode, ModTime: n.clock}
			}
			n.altered = []node.AlteredFile{{Path: tt.path, What: tt.what, Missing: tt.unseen, Unseen: tt.unseen}}
			inOrder(t, n, s)
		})
	}
}

const dropIn = "/etc/systemd/system/falco-modern-bpf.service.d/" + dropInName

func (n *fakeNode) modern() *systemd.Unit { return n.units["falco-modern-bpf.service"] }
