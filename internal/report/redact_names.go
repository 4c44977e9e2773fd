// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package report

import (
	"regexp"
	"strings"
)

// secretParts make a key secret wherever they stand in it, separators left
// out. "headers" are those of Falco's http_output, which carry API keys.
func secretParts() []string {
	return []string{
		"password", "passwd", "passphrase", "secret", "token", "credential",
		"apikey", "accesskey", "privatekey", "clientkey", "signingkey", "encryptionkey",
		"authorization", "authorisation", "bearer", "cookie", "headers",
	}
}

// secretName reports whether a key's value is to be hidden.
func secretName(key string) bool {
	joined := joinName(key)
	for _, part := range secretParts() {
		if strings.Contains(joined, part) {
			return true
		}
	}
	words := strings.FieldsFunc(strings.ToLower(key), func(c rune) bool { return strings.ContainsRune("_-.[]", c) })
	for _, w := range words {
		if w == "auth" || w == "pass" || w == "pwd" {
			return true
		}
	}
	return false
}

// pathName reports whether a secret key may hold the path of a file instead,
// such as client_key, password_file or sslclientkey.
func pathName(key string) bool {
	joined := joinName(key)
	for _, end := range []string{"clientkey", "privatekey", "file", "path", "dir"} {
		if strings.HasSuffix(joined, end) {
			return true
		}
	}
	return false
}

func joinName(key string) string {
	return strings.Map(func(c rune) rune {
		if strings.ContainsRune("_-.[] ", c) {
			return -1
		}
		return c
	}, strings.ToLower(key))
}

// suspicious is the cheap question that most texts answer with no.
func suspicious(text string) bool {
	if strings.Contains(text, "://") || strings.Contains(text, "PRIVATE KEY") {
		return true
	}
	if !strings.ContainsAny(text, ":=") {
		return commandSecret.MatchString(text) || bearerToken.MatchString(text)
	}
	return true
}

var (
	// A parameter of a query string. What looks like a credential in one is
	// wider than in a file: sig, code, key.
	queryParameter = regexp.MustCompile(`(?i)([?&;][\w.\-\[\]]*(?:token|secret|sig|key|pass|pwd|auth|cred|code)[\w.\-\[\]]*=)[^&\s"<>]+`)
	// Webhooks of chat services: whoever knows the path may post.
	webhookPath = regexp.MustCompile(`(?i)(://(?:hooks\.slack\.com|[\w.\-]+/(?:api/)?webhooks?)/)[^\s"<>]+`)
	// Object Storage's pre-authenticated requests: /p/TOKEN/n/NAMESPACE/...
	preauthPath   = regexp.MustCompile(`(?i)(://objectstorage\.[^/\s]+/p/)[^\s"<>]+?(/n/|["<>\s]|$)`)
	bearerToken   = regexp.MustCompile(`(?i)\b(bearer\s+)[^\s"'<>]+`)
	commandSecret = regexp.MustCompile(`(?i)((?:^|[\s"'])--?[\w\-]*(?:password|passwd|secret|token|api-?key)\s+)("[^"]*"|'[^']*'|\S+)`)
	// curl -u and --user.
	commandUser = regexp.MustCompile(`((?:^|[\s"'])(?:-u|--user)[ =]?["']?[^\s:"']+:)[^\s"']+`)
)

// redactShapes hides what is secret by its shape, whatever it is called.
func redactShapes(s string) string {
	if strings.Contains(s, "://") {
		s = redactUserinfo(s)
		s = queryParameter.ReplaceAllString(s, "${1}"+mask)
		s = webhookPath.ReplaceAllString(s, "${1}"+mask)
		s = preauthPath.ReplaceAllString(s, "${1}"+mask+"${2}")
	}
	s = bearerToken.ReplaceAllString(s, "${1}"+mask)
	s = commandSecret.ReplaceAllString(s, "${1}"+mask)
	return commandUser.ReplaceAllString(s, "${1}"+mask)
}

// redactUserinfo hides what stands before the @ of every URL.
func redactUserinfo(s string) string {
	var out strings.Builder
	for {
		before, after, found := strings.Cut(s, "://")
		if !found || strings.IndexByte(after, '@') < 0 {
			out.WriteString(s)
			return out.String()
		}
		out.WriteString(before)
		out.WriteString("://")
		s = after
		if at := userinfo(after); at > 0 {
			out.WriteString(mask)
			s = after[at:]
		}
	}
}

// userinfo returns where the @ stands that ends a URL's user and password, s
// beginning after "://". A password may hold a bare "/", "?" or "@" though it
// should not.
func userinfo(s string) int {
	if end := strings.IndexAny(s, " \t\r\n\"<>"); end >= 0 {
		s = s[:end]
	}
	authority := s
	if end := strings.IndexAny(s, "/?#"); end >= 0 {
		authority = s[:end]
	}
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		return at
	}
	_, port, found := strings.Cut(authority, ":")
	if found && strings.Trim(port, "0123456789") != "" && !strings.HasPrefix(authority, "[") {
		return strings.LastIndexByte(s, '@')
	}
	return -1
}
