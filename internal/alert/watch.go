// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

// Package alert shows whether Falco detects: it opens a sensitive file from a
// process with a name of its own and follows Falco's log until an alert about
// that process appears.
//
// A process started with [ProbeCommand] must call [RunProbe]. The package draws
// no conclusions: why there is no alert is for the caller to find out.
package alert

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/falco-bootstrap/falco-bootstrap/internal/files"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/program"
)

// A Probe says where the alert must appear and how long to wait for it.
type Probe struct {
	// Log is Falco's alert log on this machine.
	Log string
	// Dir is a directory of the agent, which holds for a moment the link that
	// gives the probe its name.
	Dir string
	// Timeout is how long to wait for an alert; 10 s if zero. Every is the time
	// between two opens; 100 ms if zero. One open is not enough: for about two
	// seconds after its start Falco sees nothing.
	Timeout, Every time.Duration
	// Linger is how long to go on reading after the alert, to count the alerts
	// of a second Falco about the same opens.
	Linger time.Duration
	// Journal searches systemd's journal if no alert appears in the log.
	Journal bool
	// Alive, if set, is called about twice a second; its error ends the watch.
	Alive func(context.Context) error

	file, journalctl string // tests set their own
}

// Watch opens /etc/shadow repeatedly, from a process with a unique name, until
// an alert about that process appears in Falco's log or the time is up, which is
// no error. It needs root.
func Watch(ctx context.Context, p Probe) (node.Seen, error) {
	p.Timeout, p.Every = cmp.Or(p.Timeout, 10*time.Second), cmp.Or(p.Every, 100*time.Millisecond)
	p.file, p.journalctl = cmp.Or(p.file, "/etc/shadow"), cmp.Or(p.journalctl, "/usr/bin/journalctl")
	log, err := follow(p.Log)
	if err != nil {
		return node.Seen{}, fmt.Errorf("watching %s: %w", p.Log, files.Bare(err))
	}
	defer log.close()
	bounded, cancel := context.WithTimeout(ctx, p.Timeout+p.Linger+10*time.Second)
	defer cancel()
	started := time.Now()
	prober := &prober{dir: p.Dir, marker: newMarker(), file: p.file}
	if err := prober.open(bounded); err != nil {
		return node.Seen{}, err
	}
	defer prober.stop()
	w := watch{Probe: p, began: time.Now(), log: log, prober: prober}
	err = w.loop(bounded)
	w.seen.Opens = prober.opens
	if err == nil && p.Journal && !w.seen.Detected() {
		w.seen.Journal, err = w.searchJournal(ctx, started)
	}
	return w.seen, err
}

// Await returns the first line of Falco's log that matches, or nil if none appears
// in time. It reads what is appended from now on.
func Await(ctx context.Context, path string, within time.Duration, matches func([]byte) bool) ([]byte, error) {
	log, err := follow(path)
	if err != nil {
		return nil, fmt.Errorf("watching %s: %w", path, files.Bare(err))
	}
	defer log.close()
	bounded, cancel := context.WithTimeout(ctx, within)
	defer cancel()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	var found []byte
	for {
		err := log.lines(func(line []byte) {
			if found == nil && matches(line) {
				found = bytes.Clone(line)
			}
		})
		if err != nil || found != nil {
			return found, err
		}
		select {
		case <-tick.C:
		case <-bounded.Done():
			return nil, ctx.Err()
		}
	}
}

// A watch is one watch under way.
type watch struct {
	Probe
	began  time.Time
	log    *follower
	prober *prober
	seen   node.Seen
	// exact and likely count the lines by their [likeness].
	exact, likely int
}

func (w *watch) loop(ctx context.Context) error {
	tick := time.NewTicker(w.Every)
	defer tick.Stop()
	asked := time.Now()
	for {
		if err := w.read(); err != nil {
			return err
		}
		since := time.Since(w.began)
		if w.seen.Detected() && since >= w.seen.First+w.Linger || !w.seen.Detected() && since >= w.Timeout || since >= w.Timeout+w.Linger {
			return nil
		}
		if w.Alive != nil && time.Since(asked) >= 500*time.Millisecond {
			asked = time.Now()
			if err := w.Alive(ctx); err != nil {
				return err
			}
		}
		select {
		case <-tick.C:
		case <-ctx.Done():
			return ctx.Err()
		}
		// Stop opening after the first alert: later alerts then belong to earlier
		// opens.
		if !w.seen.Detected() {
			if err := w.prober.open(ctx); err != nil {
				return err
			}
		}
	}
}

// read counts the alerts that appeared in the log since the last call.
func (w *watch) read() error {
	err := w.log.lines(func(line []byte) {
		like := compare(line, w.file, w.prober.marker, w.began)
		if like == unlike {
			return
		}
		if !w.seen.Detected() {
			w.seen.First = time.Since(w.began)
		}
		if like == exact {
			w.exact++
		} else {
			w.likely++
		}
		// Several lines may be about one open: they are no sign of two Falcos.
		w.seen.Alerts = max(w.exact, min(w.likely, w.prober.opens))
	})
	if err != nil {
		return fmt.Errorf("watching %s: %w", w.Log, files.Bare(err))
	}
	return nil
}

// searchJournal counts the alerts in the journal since the given time; none if
// there is no journalctl.
func (w *watch) searchJournal(ctx context.Context, since time.Time) (int, error) {
	out, err := program.Run(ctx, program.Command{
		Argv:    []string{w.journalctl, "--quiet", "--no-pager", "--output=cat", "--since=@" + strconv.FormatInt(since.Unix(), 10)},
		Timeout: 20 * time.Second,
	})
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	}
	alerts := 0
	for line := range strings.Lines(string(out.Stdout)) {
		// Other programs write to the journal too, about the probe's process.
		if compare([]byte(line), w.file, w.prober.marker, w.began) == exact {
			alerts++
		}
	}
	return alerts, err
}
