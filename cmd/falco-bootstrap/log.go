// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"cmp"
	"fmt"
	"io"
	"sync"
	"time"
	"unicode/utf8"

	"go.uber.org/zap"
	"go.uber.org/zap/buffer"
	"go.uber.org/zap/zapcore"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
)

// newLogger returns the logger, which hides secrets. Standard error is for
// people and logs, standard output for the report alone. For the journal, which has
// the time, a line begins with its priority instead.
func newLogger(w io.Writer, format, level string, journal bool) (*zap.Logger, error) {
	least, err := zapcore.ParseLevel(level)
	if err != nil {
		return nil, fmt.Errorf("--log-level: unknown level %q; use debug, info, warn or error", level)
	}
	config := zapcore.EncoderConfig{
		TimeKey: "time", LevelKey: "level", MessageKey: "message", LineEnding: "\n",
		EncodeTime: zapcore.RFC3339TimeEncoder, EncodeLevel: zapcore.LowercaseLevelEncoder,
		EncodeDuration: zapcore.StringDurationEncoder, ConsoleSeparator: " ",
	}
	var encoder zapcore.Encoder
	switch {
	case format == "console" && journal:
		config.TimeKey, config.LevelKey = "", ""
		encoder = prioritized{zapcore.NewConsoleEncoder(config)}
	case format == "console":
		encoder = zapcore.NewConsoleEncoder(config)
	case format == "json":
		encoder = zapcore.NewJSONEncoder(config)
	default:
		return nil, fmt.Errorf("--log-format: unknown format %q; use console or json", format)
	}
	// zap would tell the error of a write by writing to standard error itself.
	quiet := zap.ErrorOutput(zapcore.AddSync(io.Discard))
	return zap.New(redact.Core(zapcore.NewCore(encoder, zapcore.AddSync(w), least)), quiet), nil
}

// A prioritized encoder begins lines with their priority: sd-daemon(3).
type prioritized struct{ zapcore.Encoder }

func (p prioritized) Clone() zapcore.Encoder { return prioritized{p.Encoder.Clone()} }

func (p prioritized) EncodeEntry(e zapcore.Entry, fields []zapcore.Field) (*buffer.Buffer, error) {
	priority, known := map[zapcore.Level]int{zapcore.DebugLevel: 7, zapcore.InfoLevel: 6, zapcore.WarnLevel: 4}[e.Level]
	if !known {
		priority = 3
	}
	e.Message = fmt.Sprintf("<%d>%s", priority, e.Message) // which begins the line
	return p.Encoder.EncodeEntry(e, fields)
}

// slow is how long a change takes whose end is worth a line too.
const slow = 5 * time.Second

// logEvent logs what a run does. It logs every change before it begins, so that
// the last line of a killed run says where it was. What failed, the report says.
func (a *app) logEvent(e converge.Event) {
	step := zap.String("step", e.Step)
	switch {
	case e.Change == nil && !e.Done:
		a.log.Debug("planning", step)
	case e.Change == nil && e.Err == nil:
		a.log.Debug("done", step, took(e.Took))
	case e.Change == nil: // the report says so
	case !e.Done && a.live != nil:
		a.live.show(e.Change.String())
	case !e.Done:
		a.log.Info(e.Change.String(), step)
	case a.live != nil:
		a.live.show("")
	case e.Err == nil && e.Took < slow:
		a.log.Debug("done: "+e.Change.String(), step, took(e.Took))
	case e.Err == nil:
		a.log.Info("done: "+e.Change.String(), step, took(e.Took))
	case a.options.logFormat == "json":
		a.log.Error("failed: "+e.Change.String(), step, took(e.Took), zap.Error(e.Err))
	default:
		a.log.Error("failed: "+e.Change.String(), step, took(e.Took))
	}
}

func took(d time.Duration) zap.Field { return zap.Duration("took", d.Round(time.Millisecond)) }

// progress logs the progress of a long change.
func (a *app) progress(p node.Progress) {
	switch {
	case p.Warning:
		a.log.Warn(p.Message)
	case a.live != nil:
		a.live.show(p.Message)
	default:
		a.log.Info(p.Message, took(p.Elapsed))
	}
}

// A live line is the last line of a terminal: what is being done, and for how long. It
// makes room for lines of the log, and is gone at the end.
type live struct {
	w     io.Writer // as it is
	width int

	mu    sync.Mutex // guards the fields below
	text  string
	since time.Time
	timer *time.Timer
}

// eraseLine takes the line away: a carriage return, and ECMA-48's erase in line.
const eraseLine = "\r\x1b[K"

// show puts text in the place of the line; "" takes it away.
func (l *live) show(text string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.text, l.since = redact.Text(text), time.Now()
	l.draw()
	if l.timer == nil {
		l.timer = time.AfterFunc(time.Second, l.tick)
	}
}

func (l *live) tick() {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text == "" {
		l.timer = nil
		return
	}
	l.draw()
	l.timer.Reset(time.Second)
}

func (l *live) draw() {
	_, _ = io.WriteString(l.w, eraseLine)
	if l.text == "" {
		return
	}
	took := ""
	if d := time.Since(l.since).Truncate(time.Second); d > 0 {
		took = fmt.Sprintf(" (%v)", d)
	}
	text := l.text
	if room := cmp.Or(l.width, 80) - len(took) - 1; utf8.RuneCountInString(text) > room {
		text = string([]rune(text)[:max(0, room-1)]) + "…"
	}
	_, _ = plain{l.w}.Write([]byte(text + took))
}

// Write writes a line of the log above the live line.
func (l *live) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.text != "" {
		_, _ = io.WriteString(l.w, eraseLine)
	}
	n, err := plain{l.w}.Write(p)
	if l.text != "" {
		l.draw()
	}
	return n, err
}
