// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"regexp"
	"slices"
	"strings"
)

var (
	separators = lazy(`[_\-.\[\] ]`)
	// secretPart makes a key secret anywhere in it, separators removed.
	// "headers" are those of Falco's http_output, which carry API keys.
	secretPart = lazy(`password|passwd|passphrase|passcode|secret|token|credential|` +
		`(?:api|access|private|client|signing|encryption|encrypt|account|shared|routing|integration|service|license|webhook|master|ingest|auth|app|functions)key|` +
		`authori[sz]ation|bearer|cookie|headers|connectionstring`)
	// secretWord makes a key secret where it stands alone between separators.
	secretWord = lazy(`(?i)(?:^|[_\-.\[\]])(?:auth|pass|pwd|jwt|otp|dsn|psk|hmac)(?:[_\-.\[\]]|$)`)
	// headerName is one of HTTP that only its sender and its receiver know.
	headerName = lazy(`^[Xx]-[A-Za-z][\w\-]*$`)
	pathEnd    = lazy(`(?:clientkey|privatekey|file|path|dir)$`)
)

// secretName reports whether the value of a key must be hidden.
func secretName(key string) bool {
	return secretPart().MatchString(joinName(key)) || secretWord().MatchString(key) || headerName().MatchString(key)
}

// pathName reports whether a secret key may hold the path of a file instead,
// such as client_key, password_file or sslclientkey.
func pathName(key string) bool { return pathEnd().MatchString(joinName(key)) }

func joinName(key string) string { return strings.ToLower(separators().ReplaceAllString(key, "")) }

// suspicious is a cheap test that rules out most texts.
func suspicious(text string) bool {
	return strings.ContainsAny(text, ":=/@") || strings.Contains(text, "PRIVATE KEY") ||
		commandSecret().MatchString(text) || bearerToken().MatchString(text) || knownToken().MatchString(text)
}

var (
	// In a query string more names look like a credential than in a file: sig,
	// code, key.
	queryParameter = lazy(`(?i)([?&;][\w.\-\[\]]*(?:token|secret|sig|key|pass|pwd|auth|cred|code)[\w.\-\[\]]*=)[^&\s"<>]+`)
	bearerToken    = lazy(`(?i)\b((?:bearer|splunk|geniekey)\s+)[^\s"'<>]+`)
	basicToken     = lazy(`\b(Basic\s+)[A-Za-z0-9+/_\-]{8,}=*`)
	// knownToken is what its own form gives away, wherever it stands: a JWT, and
	// the tokens of GitHub, GitLab, Slack and AWS.
	knownToken    = lazy(`\b(?:eyJ[\w\-]{8,}\.[\w\-]+\.[\w\-]*|gh[pousr]_\w{16,}|glpat-[\w\-]{16,}|xox[a-z]-[\w\-]{8,}|AKIA[A-Z0-9]{12,})`)
	commandSecret = lazy(`(?i)((?:^|[\s"'])--?[\w\-]*(?:password|passwd|secret|token|cookie|api-?key)\s+)("[^"]*"|'[^']*'|\S+)`)
	// curl -H and --header.
	commandHeader = lazy(`((?:^|[\s"'])(?:-H|--(?:proxy-)?header)[ =]*)(?:\\*"[^"]*"|'[^']*'|[^\s"'])[^\s"',]*`)
	// userToken is a token with an empty password.
	userToken = lazy(`((?:^|[\s"'])(?:-[uU]|--(?:proxy-)?user)[ =]?["']?)[^\s:"'\[]+:(["']?(?:\s|$))`)
	// curl -u and --user.
	commandUser = lazy(`((?:^|[\s"'])(?:-[uU]|--(?:proxy-)?user)[ =]?["']?[^\s:"']+:)[^\s"']+`)
)

// A shape is what is secret whatever the name of its key. A line is only searched
// if it has one of the words, in lower case.
type shape struct {
	words   []string
	pattern func() *regexp.Regexp
	shown   string
}

func shapes() []shape {
	user := []string{"-u", "-user"}
	return []shape{
		{[]string{"="}, queryParameter, "${1}" + Mask},
		{[]string{"bearer", "splunk", "geniekey"}, bearerToken, "${1}" + Mask},
		{[]string{"basic"}, basicToken, "${1}" + Mask},
		{[]string{"eyj", "ghp_", "gho_", "ghu_", "ghs_", "ghr_", "glpat-", "xox", "akia"}, knownToken, Mask},
		{[]string{"pass", "secret", "token", "cookie", "key"}, commandSecret, "${1}" + Mask},
		{[]string{"-h"}, commandHeader, "${1}" + Mask},
		{user, userToken, "${1}" + Mask + ":${2}"},
		{user, commandUser, "${1}" + Mask},
	}
}

// redactShapes hides what is secret by its shape, not by the name of a key.
func redactShapes(s string) string {
	s = redactURLs(s)
	lower := strings.ToLower(s)
	for _, shape := range shapes() {
		if slices.ContainsFunc(shape.words, func(word string) bool { return strings.Contains(lower, word) }) {
			s = shape.pattern().ReplaceAllString(s, shape.shown)
		}
	}
	return s
}
