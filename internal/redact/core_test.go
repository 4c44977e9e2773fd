// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package redact_test

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"

	"github.com/falco-bootstrap/falco-bootstrap/internal/redact"
)

// logger returns a logger behind a redacting core, and what it writes.
func logger(encoder func(zapcore.EncoderConfig) zapcore.Encoder) (*zap.Logger, *bytes.Buffer) {
	var out bytes.Buffer
	config := zapcore.EncoderConfig{
		MessageKey: "message", NameKey: "name", StacktraceKey: "trace", LineEnding: "\n",
		EncodeDuration: zapcore.StringDurationEncoder, EncodeTime: zapcore.RFC3339TimeEncoder,
	}
	return zap.New(redact.Core(zapcore.NewCore(encoder(config), zapcore.AddSync(&out), zap.InfoLevel))), &out
}

// An object is logged by its own MarshalLogObject.
type object struct{ text string }

func (o object) MarshalLogObject(e zapcore.ObjectEncoder) error {
	e.AddString("string", o.text)
	e.AddByteString("bytes", []byte(o.text))
	return errors.Join(e.AddArray("list", list(o)), e.AddReflected("any", map[string]any{"text": []string{o.text}, o.text: 1}))
}

type list object

func (l list) MarshalLogArray(e zapcore.ArrayEncoder) error {
	e.AppendString(l.text)
	return nil
}

func (l list) String() string { return l.text }

// A verbose error formats as more than its Error text.
type verbose struct{ error }

func (v verbose) Format(s fmt.State, _ rune) { _, _ = fmt.Fprint(s, "at length: ", v.Error()) }

// entries returns every way in which a text can get into a log line.
func entries(text string) map[string]func(*zap.Logger) {
	field := func(f zap.Field) func(*zap.Logger) {
		return func(l *zap.Logger) { l.Info("message", f) }
	}
	return map[string]func(*zap.Logger){
		"message":       func(l *zap.Logger) { l.Info(text) },
		"logger's name": func(l *zap.Logger) { l.Named(text).Info("message") },
		"with":          func(l *zap.Logger) { l.With(zap.String("text", text)).Info("message") },
		"with lazily":   func(l *zap.Logger) { l.WithLazy(zap.String("text", text)).Info("message") },
		"sugar":         func(l *zap.Logger) { l.Sugar().Infow("message", "text", text) },
		"stack": func(l *zap.Logger) {
			if e := l.Check(zap.InfoLevel, "message"); e != nil {
				e.Stack = text
				e.Write()
			}
		},
		"string":        field(zap.String("text", text)),
		"strings":       field(zap.Strings("text", []string{text})),
		"error":         field(zap.Error(errors.New(text))),
		"errors":        field(zap.Errors("errors", []error{errors.New(text)})),
		"verbose error": field(zap.Error(verbose{errors.New(text)})),
		"joined errors": field(zap.Error(errors.Join(errors.New(text), errors.New("other")))),
		"any":           field(zap.Any("panic", struct{ Text, Other any }{text, []string{text}})),
		"any error":     field(zap.Any("panic", fmt.Errorf("panic: %w", errors.New(text)))),
		"byte string":   field(zap.ByteString("stack", []byte(text))),
		"binary":        field(zap.Binary("text", []byte(text))),
		"stringer":      field(zap.Stringer("text", list{text})),
		"array":         field(zap.Array("list", list{text})),
		"object":        field(zap.Object("object", object{text})),
		"inline":        field(zap.Inline(object{text})),
		"dict":          field(zap.Dict("dict", zap.Dict("dict", zap.String("text", text)))),
		"reflect":       field(zap.Reflect("map", map[string]any{"a": []any{map[string]string{"b": text}}})),
		"pointer":       field(zap.Stringp("text", &text)),
	}
}

func TestCoreHidesSecrets(t *testing.T) {
	for _, form := range secretForms(t) {
		for name, write := range entries(fmt.Sprintf(form, secret)) {
			for _, encoder := range []func(zapcore.EncoderConfig) zapcore.Encoder{zapcore.NewJSONEncoder, zapcore.NewConsoleEncoder} {
				l, out := logger(encoder)
				write(l)
				if strings.Contains(out.String(), secret) || !strings.Contains(out.String(), redact.Mask) {
					t.Errorf("%q as %s is logged as %s", form, name, out)
				}
			}
		}
	}
}

// A key that sounds secret hides a value of any type.
func TestCoreHidesValuesOfSecretKeys(t *testing.T) {
	for name, f := range map[string]zap.Field{
		"string": zap.String("password", secret),
		"bytes":  zap.ByteString("api_key", []byte(secret)),
		"number": zap.Int("token", 71771),
		"list":   zap.Strings("headers", []string{secret}),
		"map":    zap.Any("request", map[string]any{"authorization": map[string]string{"a": secret}}),
		"struct": zap.Any("login", struct{ Password string }{secret}),
		"flag":   zap.Strings("command", []string{"curl", "--token", secret}),
	} {
		l, out := logger(zapcore.NewJSONEncoder)
		l.Info("message", f)
		if s := out.String(); strings.Contains(s, secret) || strings.Contains(s, "71771") || !strings.Contains(s, redact.Mask) {
			t.Errorf("%s: %s", name, s)
		}
	}
}

// Everything else is logged unchanged, in one valid line.
func TestCoreKeepsTheRest(t *testing.T) {
	l, out := logger(zapcore.NewJSONEncoder)
	l = l.With(zap.String("step", "config"))
	l.Debug("hidden by the level")
	l.Info("done: edit /etc/falco/falco.yaml", zap.Duration("took", 1500*time.Millisecond), zap.Int64("size", 1<<60),
		zap.Float64("share", 0.5), zap.Bool("ok", true), zap.Time("at", time.Unix(0, 0).UTC()), zap.Error(errors.New("a\nb <c>")),
		zap.String("client_key", "/etc/x.key"), zap.Any("nothing", nil), zap.Skip(), zap.Namespace("deep"), zap.Any("list", []any{"a", 1, nil}))
	want := `{"message":"done: edit /etc/falco/falco.yaml","step":"config","took":"1.5s","size":1152921504606846976,"share":0.5,` +
		`"ok":true,"at":"1970-01-01T00:00:00Z","error":"a\nb <c>","client_key":"/etc/x.key","nothing":null,"deep":{"list":["a",1,null]}}` + "\n"
	if out.String() != want || !json.Valid(out.Bytes()) {
		t.Errorf("the log line is\n%swant\n%s", out, want)
	}
}
