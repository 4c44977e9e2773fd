// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package main

import (
	"fmt"
	"io"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/falco-bootstrap/falco-bootstrap/internal/converge"
	"github.com/falco-bootstrap/falco-bootstrap/internal/node"
	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
)

// newLogger returns the logger, which hides secrets. Standard error is for
// people and logs, standard output for the report alone.
func newLogger(w io.Writer, format, level string) (*zap.Logger, error) {
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
	switch format {
	case "console":
		encoder = zapcore.NewConsoleEncoder(config)
	case "json":
		encoder = zapcore.NewJSONEncoder(config)
	default:
		return nil, fmt.Errorf("--log-format: unknown format %q; use console or json", format)
	}
	// zap would tell the error of a write by writing to standard error itself.
	quiet := zap.ErrorOutput(zapcore.AddSync(io.Discard))
	return zap.New(redact.Core(zapcore.NewCore(encoder, zapcore.AddSync(w), least)), quiet), nil
}

// logEvent logs what a run does. It logs every change before it begins, so that
// the last line of a killed run says where it was.
func (a *app) logEvent(e converge.Event) {
	step := zap.String("step", e.Step)
	switch {
	case e.Change == nil && !e.Done:
		a.log.Debug("planning", step)
	case e.Change == nil && e.Err == nil:
		a.log.Debug("done", step, took(e.Took))
	case e.Change == nil: // the report says so
	case !e.Done:
		a.log.Info(e.Change.String(), step)
	case e.Err == nil:
		a.log.Info("done: "+e.Change.String(), step, took(e.Took))
	default:
		a.log.Error("failed: "+e.Change.String(), step, took(e.Took), zap.Error(e.Err))
	}
}

func took(d time.Duration) zap.Field { return zap.Duration("took", d.Round(time.Millisecond)) }

// progress logs the progress of a long change.
func (a *app) progress(p node.Progress) {
	if p.Warning {
		a.log.Warn(p.Message)
		return
	}
	a.log.Info(p.Message, took(p.Elapsed))
}
