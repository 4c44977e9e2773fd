// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package verify

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/pkg/systemd"
)

// minWatch is the least time to wait for an alert, however long ago Falco was
// started. A Falco that has just started is watched for as long as it may still
// exit: on a booting node it may need most of that time to load.
const minWatch = 10 * time.Second

// errDown means that the process to prove is gone.
var errDown = errors.New("does not stay up")

// Eyes is what a proof needs to see of the running machine.
type Eyes interface {
	// Reader returns units as they are at the time of the call.
	systemd.Reader
	// Watch opens a sensitive file until Falco's alert about it appears in log.
	// It is not an error if the timeout ends first. Watch calls alive regularly
	// and ends with its error, if there is one.
	Watch(ctx context.Context, log string, timeout time.Duration, alive func(context.Context) error) (node.Seen, error)
	// Complaint returns what the installed Falco says is wrong with its
	// configuration, in one line, or "".
	Complaint(ctx context.Context, check node.FalcoCheck) string
	// Listener says who else listens on the port of Falco's web server. See
	// [Listener].
	Listener(falcoVersion string, u systemd.Unit) string
}

// Prove proves that a unit detects. The units are of Type=simple, so one is
// active as soon as Falco is executed, and Falco may exit after that, or run and
// see nothing. If the process exits or is replaced, the error has
// [node.CodeNotRunning] and Falco's own reason. It is not an error if no alert
// appears.
func Prove(ctx context.Context, eyes Eyes, c node.Prove) (node.Proof, node.Seen, error) {
	p := process{eyes: eyes, name: c.Unit}
	seen, watchErr, err := p.prove(ctx, c)
	if err != nil {
		if !errors.Is(err, errDown) {
			return node.Proof{}, seen, fmt.Errorf("proving that %s detects: %w", c.Unit, err)
		}
		complaint, port := eyes.Complaint(ctx, c.Check), ""
		if complaint == "" {
			port = eyes.Listener(c.Check.Version, p.last)
		}
		return node.Proof{}, seen, exited(err, complaint, port, p.last)
	}
	proof := node.Proof{Invocation: p.first.InvocationID, Detected: seen.Detected(), Time: time.Now().UTC()}
	if watchErr != nil {
		proof.Unseen = watchErr.Error()
	}
	return proof, seen, nil
}

// Explain adds to a proof why no alert appeared, in the words of the verdict. last
// is the proof before it.
func Explain(ctx context.Context, view node.View, c node.Prove, seen node.Seen, last, proof node.Proof) (node.Proof, error) {
	i, err := Inspect(ctx, view, c.Subject, c.Declared)
	switch {
	case c.Log == "":
		proof.Unseen = errNoLog.Error()
		return proof, nil
	case err != nil && node.CodeOf(err) != node.CodeConfig:
		return proof, err
	case err == nil:
		if _, _, err = i.Verdict(seen, ""); err == nil || proof.Unseen != "" && !i.explained() {
			return proof, nil
		}
		proof.Off = len(i.silenced) > 0 && i.off(seen)
		proof.Lapsed = !i.explained() && last.Detected && last.Invocation == proof.Invocation
	}
	proof.Reason, proof.Hint = err.Error(), node.HintOf(err)
	return proof, nil
}

// A process is the main process of a unit, which must stay the same while it
// is proven.
type process struct {
	eyes        Eyes
	name        string
	first, last systemd.Unit // the unit as first and last seen
}

// prove watches for an alert and makes sure that the process stays up.
// watchErr says why the log could not be watched, which does not end the proof.
func (p *process) prove(ctx context.Context, c node.Prove) (seen node.Seen, watchErr, err error) {
	if p.first, err = p.current(ctx); err != nil {
		return seen, nil, err
	}
	if c.Invocation != "" && p.first.InvocationID != c.Invocation {
		return seen, nil, p.down("it was restarted before it could be proven (process %d now)", p.first.MainPID)
	}
	seen, watchErr = p.eyes.Watch(ctx, c.Log, max(minWatch, p.remaining(c.Settle)), p.check)
	switch {
	case errors.Is(watchErr, errDown):
		return seen, nil, watchErr
	case ctx.Err() != nil:
		return seen, nil, ctx.Err()
	case seen.Detected():
		return seen, watchErr, p.check(ctx)
	}
	return seen, watchErr, p.settle(ctx, c.Settle)
}

// current returns the unit as it is now. It fails if the unit is not running.
func (p *process) current(ctx context.Context) (systemd.Unit, error) {
	units, err := p.eyes.Units(ctx, p.name)
	if err != nil {
		return systemd.Unit{}, err
	}
	p.last = units[p.name]
	if !p.last.Running() || p.last.MainPID == 0 {
		return p.last, p.down("it is %s (%s)", p.last.ActiveState, p.last.SubState)
	}
	return p.last, nil
}

func (p *process) down(format string, args ...any) error {
	return fmt.Errorf("%s %w: %s", p.name, errDown, fmt.Sprintf(format, args...))
}

// check fails if the unit's process is no longer the first one.
func (p *process) check(ctx context.Context) error {
	now, err := p.current(ctx)
	if err != nil {
		return err
	}
	if now.MainPID != p.first.MainPID || now.InvocationID != p.first.InvocationID || now.NRestarts > p.first.NRestarts {
		return p.down("it was restarted (process %d, then %d)", p.first.MainPID, now.MainPID)
	}
	return nil
}

// remaining returns how much longer the process must run to have run for settle.
func (p *process) remaining(settle time.Duration) time.Duration {
	if p.first.Started.IsZero() {
		p.first.Started = time.Now()
	}
	return settle - time.Since(p.first.Started)
}

// settle waits until the process has run for as long as it must.
func (p *process) settle(ctx context.Context, settle time.Duration) error {
	for {
		if err := p.check(ctx); err != nil {
			return err
		}
		left := p.remaining(settle)
		if left <= 0 {
			return nil
		}
		select {
		case <-time.After(min(left, time.Second)):
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}
