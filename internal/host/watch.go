// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package host

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"

	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
)

// A Probe says what is opened and where the alert has to come.
type Probe struct {
	// Log is Falco's alert log on this machine.
	Log string
	// File is the sensitive file; by default /etc/shadow.
	File string
	// Timeout is how long to wait for an alert at most, Every how long between
	// two opens: a Falco that has just started sees nothing for about two
	// seconds, so one open does not do. By default 10 s and 100 ms.
	Timeout, Every time.Duration
	// Linger is how long to go on reading once the alert is there, so that a
	// second Falco's alerts on the same opens can be counted. By default not
	// at all.
	Linger time.Duration
	// Journal has systemd's journal searched if no alert came to the log.
	Journal bool
	// Alive, if set, is asked about twice a second whether there is still
	// something to wait for; its error ends the watch.
	Alive func(context.Context) error
}

// Watch opens the sensitive file again and again, under a process name that is
// used once, until Falco's log tells of it or the time is up, which is no
// error. It needs root, and the state folder of opts, where the link that
// gives the process its name lies for a moment.
func Watch(ctx context.Context, opts Options, p Probe) (node.Seen, error) {
	t, err := newTree(opts.Root)
	if err != nil {
		return node.Seen{}, err
	}
	folder, err := stateFolder(t)
	if err != nil {
		return node.Seen{}, err
	}
	return watch(ctx, opts.programs(), folder, p.defaults(opts.programs()))
}

func (p Probe) defaults(t tools) Probe {
	if p.File == "" {
		p.File = t.secret
	}
	if p.Timeout == 0 {
		p.Timeout = 10 * time.Second
	}
	if p.Every == 0 {
		p.Every = 100 * time.Millisecond
	}
	return p
}

func watch(ctx context.Context, t tools, folder string, p Probe) (node.Seen, error) {
	log, err := follow(p.Log)
	if err != nil {
		return node.Seen{}, fmt.Errorf("watching %s: %w", p.Log, bare(err))
	}
	defer log.close()
	bounded, cancel := context.WithTimeout(ctx, p.Timeout+p.Linger+10*time.Second)
	defer cancel()
	started := time.Now()
	prober, err := startProber(bounded, folder, p.File, newMarker())
	if err != nil {
		return node.Seen{}, err
	}
	defer prober.stop()
	w := watcher{Probe: p, began: time.Now(), log: log, prober: prober, seen: node.Seen{Marker: prober.marker, Existed: log.met.existed}}
	err = w.loop(bounded)
	w.seen.Opens, w.seen.Rotated = prober.opens, log.met.rotated
	w.seen.Full = !w.seen.Detected() && full(p.Log)
	if err == nil && p.Journal && !w.seen.Detected() {
		w.seen.Journal, err = searchJournal(ctx, t, started, p.File, prober.marker)
	}
	return w.seen, err
}

// full reports whether the file system that holds a file has no room left.
func full(path string) bool {
	var fs unix.Statfs_t
	return unix.Statfs(filepath.Dir(path), &fs) == nil && fs.Blocks > 0 && fs.Bavail == 0
}

// A watcher is one watch under way.
type watcher struct {
	Probe
	began  time.Time
	log    *follower
	prober *prober
	seen   node.Seen
}

// loop reads and opens in turn. The last open is given the time of a read.
func (w *watcher) loop(ctx context.Context) error {
	tick := time.NewTicker(w.Every)
	defer tick.Stop()
	asked := time.Now()
	for {
		if err := w.read(); err != nil {
			return err
		}
		since := time.Since(w.began)
		switch {
		case w.seen.Detected() && since >= w.seen.First+w.Linger, since >= w.Timeout+w.Linger:
			return nil
		case !w.seen.Detected() && since >= w.Timeout:
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
		// Once the alert is there no more opens are made: what still comes
		// belongs to those before.
		if !w.seen.Detected() {
			if err := w.prober.open(); err != nil {
				return err
			}
		}
	}
}

// read counts the alerts that came to the log since the last call.
func (w *watcher) read() error {
	err := w.log.lines(func(line []byte) {
		if !isAlert(line, w.File, w.prober.marker) {
			return
		}
		if w.seen.Alerts == 0 {
			w.seen.First = time.Since(w.began)
		}
		w.seen.Alerts++
	})
	if err != nil {
		return fmt.Errorf("watching %s: %w", w.Log, bare(err))
	}
	return nil
}

// searchJournal counts the alerts about the marker in the journal since began.
// A node without journalctl has no journal to look into.
func searchJournal(ctx context.Context, t tools, began time.Time, file, marker string) (int, error) {
	out, err := run(ctx, command{
		argv:    []string{t.journalctl, "--quiet", "--no-pager", "--output=cat", "--since=@" + strconv.FormatInt(began.Unix(), 10)},
		timeout: 20 * time.Second,
	})
	if errors.Is(err, os.ErrNotExist) {
		return 0, nil
	} else if err != nil {
		return 0, err
	}
	alerts := 0
	for line := range strings.Lines(string(out.stdout)) {
		if isAlert([]byte(line), file, marker) {
			alerts++
		}
	}
	return alerts, nil
}
