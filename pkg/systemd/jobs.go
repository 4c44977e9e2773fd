// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package systemd

import (
	"context"
	"errors"
	"fmt"
	"time"
)

// A JobError is a job that systemd took on and that did not end well.
type JobError struct {
	Unit string
	// Verb is what was asked: start, stop or restart.
	Verb string
	// Result is systemd's word: failed, timeout, dependency, canceled,
	// skipped, or one that a newer systemd added.
	Result string
}

// Error implements error.
func (e *JobError) Error() string {
	return fmt.Sprintf("%s %s: systemd job ended as %q", e.Verb, e.Unit, e.Result)
}

// errLost means that the end of a job can no longer be heard of.
var errLost = errors.New("the connection to systemd was lost")

// A job is a method that queues one and says on the channel how it ended.
type job func(ctx context.Context, name, mode string, ch chan<- string) (int, error)

// Start implements [Manager].
func (c *Conn) Start(ctx context.Context, unit string) error {
	c.forget(ctx, unit)
	return c.run(ctx, "start", unit, c.bus.StartUnitContext)
}

// Restart implements [Manager].
func (c *Conn) Restart(ctx context.Context, unit string) error {
	c.forget(ctx, unit)
	return c.run(ctx, "restart", unit, c.bus.RestartUnitContext)
}

// Stop implements [Manager].
func (c *Conn) Stop(ctx context.Context, unit string) error {
	err := c.run(ctx, "stop", unit, c.bus.StopUnitContext)
	if absent(err) {
		return nil
	}
	return err
}

// forget clears a failed state, so that a start is not refused because of
// starts before it (start-limit-hit). A unit that is not loaded has nothing to
// clear, and a start that is refused for another reason says so itself.
func (c *Conn) forget(ctx context.Context, unit string) {
	ctx, cancel := within(ctx, callBound)
	defer cancel()
	_ = c.bus.ResetFailedUnitContext(ctx, unit)
}

// run queues a job and waits for its end.
func (c *Conn) run(ctx context.Context, verb, unit string, start job) error {
	ctx, cancel := within(ctx, jobBound)
	defer cancel()
	// One place in the channel: go-systemd blocks on it otherwise, with every
	// other job, if nobody waits any more.
	done := make(chan string, 1)
	if _, err := start(ctx, unit, "replace", done); err != nil {
		return fmt.Errorf("%s %s: %w", verb, unit, permission(err))
	}
	lost := time.NewTicker(time.Second)
	defer lost.Stop()
	for {
		select {
		case result := <-done:
			if result != "done" {
				return &JobError{Unit: unit, Verb: verb, Result: result}
			}
			return nil
		case <-lost.C:
			if !c.bus.Connected() {
				return fmt.Errorf("%s %s: %w", verb, unit, errLost)
			}
		case <-ctx.Done():
			return fmt.Errorf("%s %s: waiting for systemd's job: %w", verb, unit, ctx.Err())
		}
	}
}
