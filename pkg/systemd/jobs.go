// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A JobError reports a job that systemd accepted but that did not succeed.
type JobError struct {
	Unit   string
	Verb   string // start, stop or restart
	Result string // failed, timeout, dependency, canceled, skipped, or a newer systemd's
}

func (e *JobError) Error() string {
	return fmt.Sprintf("%s %s: systemd job ended as %q", e.Verb, e.Unit, e.Result)
}

var errLost = errors.New("the connection to systemd was lost")

// Start starts a unit and waits until systemd's job is done. A job that does
// not succeed is a [*JobError]. If ctx is done first, the job continues.
func (c *Conn) Start(ctx context.Context, unit string) error {
	c.resetFailed(ctx, unit)
	return c.run(ctx, "start", unit, c.bus.StartUnitContext)
}

// Restart is [Conn.Start] for a unit that may already be running.
func (c *Conn) Restart(ctx context.Context, unit string) error {
	c.resetFailed(ctx, unit)
	return c.run(ctx, "restart", unit, c.bus.RestartUnitContext)
}

// Stop stops a unit and waits for the job, as [Conn.Start] does. Stopping a unit
// that does not exist succeeds.
func (c *Conn) Stop(ctx context.Context, unit string) error {
	err := c.run(ctx, "stop", unit, c.bus.StopUnitContext)
	if isAbsent(err) {
		return nil
	}
	return err
}

// resetFailed clears a failed state, so that a start is not refused because of
// earlier ones (start-limit-hit). It ignores errors: a unit that is not loaded
// has nothing to clear, and a refused start returns its own error.
func (c *Conn) resetFailed(ctx context.Context, unit string) {
	ctx, cancel := context.WithTimeout(ctx, callLimit)
	defer cancel()
	_ = c.bus.ResetFailedUnitContext(ctx, unit)
}

// run calls start to queue a job and waits for its result, which go-systemd sends
// on the channel.
func (c *Conn) run(ctx context.Context, verb, unit string, start func(ctx context.Context, name, mode string, ch chan<- string) (int, error)) error {
	ctx, cancel := context.WithTimeout(ctx, jobLimit)
	defer cancel()
	// The channel has a buffer because go-systemd would otherwise block on it,
	// with every other job, once nobody receives from it.
	done := make(chan string, 1)
	if _, err := start(ctx, unit, "replace", done); err != nil {
		return fmt.Errorf("%s %s: %w", verb, unit, permission(err))
	}
	check := time.NewTicker(time.Second)
	defer check.Stop()
	for {
		select {
		case result := <-done:
			if result != "done" {
				return &JobError{Unit: unit, Verb: verb, Result: result}
			}
			return nil
		case <-check.C:
			if !c.bus.Connected() {
				return fmt.Errorf("%s %s: %w", verb, unit, errLost)
			}
		case <-ctx.Done():
			return fmt.Errorf("%s %s: waiting for systemd's job: %w", verb, unit, ctx.Err())
		}
	}
}
