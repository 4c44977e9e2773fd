// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package test

import (
	"fmt"
	"os"
	"strings"
	"testing"
)

// A run is killed or disturbed in many ways. Nothing of others is changed or half
// written, Falco runs where it ran, and the next run ends as if nothing had happened.
//
// The short form kills a run at each of its changes, one run after the other: each
// run begins with what the one before has left. The long form, `make faults`, begins
// again at the same place for each kill.
func TestFaults(t *testing.T) {
	t.Parallel()
	for _, s := range scenarios() {
		t.Run(s.name, func(t *testing.T) {
			t.Parallel()
			f := newField(t, s)
			if os.Getenv(faultsEnv) == "" {
				f.killedOnwards()
			} else {
				f.campaign()
			}
			f.report(t)
		})
	}
}

const (
	killat = "/usr/share/node/killat -told /run/told "
	// most bounds the changes of a run.
	most = 300
)

// killedOnwards kills a run at every change at which none was killed before, and lets
// the next one go on from there.
func (f *field) killedOnwards() {
	f.t.Helper()
	f.Must("rm -f /run/seen")
	r := f.row("kill", "each change, going on")
	f.begin()
	for range most {
		got := f.disturbed(killat + "-seen /run/seen")
		if got.Exit != killed {
			if got.Exit != 0 {
				r.lose("the last run: %v", got)
			}
			break
		}
		f.judge(r, got)
	}
	f.again(r)
	// Two files in /etc and two in the state directory, with a rename and fsyncs each.
	if r.runs < 12 {
		r.lose("killed at %d changes, want it at every one", r.runs)
	}
}

// campaign is the long form.
func (f *field) campaign() {
	f.t.Helper()
	for _, way := range []struct{ family, fault, flags string }{
		{"kill", "the agent, at each change", "-all"},
		{"killgroup", "the agent and its children, at each change", "-all -group"},
		{"enospc", "ENOSPC from each change on", "-all -on -errno ENOSPC"},
		{"eio", "EIO at each change, once", "-all -errno EIO"},
		{"erofs", "EROFS from each change on", "-all -on -errno EROFS"},
	} {
		if asked(way.family) {
			f.atEachChange(f.row(way.family, way.fault), way.flags)
		}
	}
	if asked("random") {
		f.atRandom(f.row("random", "the agent and its children, after a random time"))
	}
	for _, fault := range faults() {
		if asked(fault.family) && (fault.in == "" || strings.Contains(fault.in, f.name)) {
			f.one(fault)
		}
	}
}

// atEachChange disturbs the nth change of a run, for every n.
func (f *field) atEachChange(r *row, flags string) {
	f.t.Helper()
	for n := range most {
		f.begin()
		got := f.disturbed(fmt.Sprintf("%s %s -calls %d", killat, flags, n+1))
		if !f.Exists("/run/told") {
			return // it makes fewer
		}
		lost := len(r.lost)
		f.judge(r, got)
		f.again(r)
		if len(r.lost) > lost {
			r.lose("(that was change %d, %s)", n+1, strings.TrimSpace(f.ReadFile("/run/told")))
		}
	}
}

// atRandom kills at instants that are spread over the time of a run.
func (f *field) atRandom(r *row) {
	f.t.Helper()
	f.begin()
	took := f.disturbed("").Took
	const runs = 20
	for i := range runs {
		f.begin()
		after := took.Seconds() * (float64(i) + 0.5) / runs
		got := f.disturbed(fmt.Sprintf("timeout --signal=KILL %.3f", after))
		f.judge(r, got)
		f.again(r)
	}
}

// A fault is one that is put on a node or a run, and taken away again.
type fault struct {
	family, name string
	// in names the scenarios, all if it is empty.
	in string
	// on and off are bash that puts it on and takes it away.
	on, off string
	// prefix is put before the agent's command.
	prefix string
	flags  []string
	// exits are the exit statuses that are right.
	exits []int
	// says is part of what the run prints, if it is not empty.
	says string
	// mute means that nothing of what the run prints can be seen, and stops that Falco
	// cannot start.
	mute, stops bool
}

// one tries one fault.
func (f *field) one(x fault) {
	f.t.Helper()
	r := f.row(x.family, x.name)
	f.now = x
	defer func() { f.now = fault{} }()
	f.begin()
	if x.on != "" {
		f.Must(x.on)
	}
	got := f.disturbed(x.prefix, x.flags...)
	if x.off != "" {
		f.Must(x.off)
	}
	f.judge(r, got)
	fits := len(x.exits) == 0
	for _, exit := range x.exits {
		fits = fits || got.Exit == exit
	}
	if !fits || !strings.Contains(got.Stdout+got.Stderr, x.says) {
		r.lose("want exit %v and %q: %v", x.exits, x.says, got)
	}
	f.again(r)
}
