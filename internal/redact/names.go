// Copyright The falco-bootstrap Authors
// SPDX-License-Identifier: Apache-2.0

package redact

import (
	"regexp"
	"strings"
)

var (
	separators = regexp.MustCompile(`[_\-.\[\] ]`)
	// secretPart makes a key secret anywhere in it, separators removed.
	// "headers" are those of Falco's http_output, which carry API keys.
	secretPart = regexp.MustCompile(`password|passwd|passphrase|secret|token|credential|` +
		`(?:api|access|private|client|signing|encryption)key|authori[sz]ation|bearer|cookie|headers`)
	// secretWord makes a key secret if it is a whole word between separators.
	secretWord = regexp.MustCompile(`(?i)(?:^|[_\-.\[\]])(?:auth|pass|pwd)(?:[_\-.\[\]]|$)`)
	pathEnd    = regexp.MustCompile(`(?:clientkey|privatekey|file|path|dir)$`)
)

// secretName reports whether the value of a key must be hidden.
func secretName(key string) bool {
	return secretPart.MatchString(joinName(key)) || secretWord.MatchString(key)
}

// pathName reports whether a secret key may hold the path of a file instead,
// such as client_key, password_file or sslclientkey.
func pathName(key string) bool { return pathEnd.MatchString(joinName(key)) }

func joinName(key string) string { return strings.ToLower(separators.ReplaceAllString(key, "")) }

// suspicious is a cheap test that rules out most texts.
func suspicious(text string) bool {
	return strings.ContainsAny(text, ":=") || strings.Contains(text, "PRIVATE KEY") ||
		commandSecret.MatchString(text) || bearerToken.MatchString(text)
}

var (
	// In a query string more names look like a credential than in a file: sig,
	// code, key.
	queryParameter = regexp.MustCompile(`(?i)([?&;][\w.\-\[\]]*(?:token|secret|sig|key|pass|pwd|auth|cred|code)[\w.\-\[\]]*=)[^&\s"<>]+`)
	// Webhooks of chat services: anybody who knows the path can post.
	webhookPath = regexp.MustCompile(`(?i)(://(?:hooks\.slack\.com|[\w.\-]+/(?:api/)?webhooks?)/)[^\s"<>]+`)
	// Object Storage's pre-authenticated requests: /p/TOKEN/n/NAMESPACE/...
	preauthPath   = regexp.MustCompile(`(?i)(://objectstorage\.[^/\s]+/p/)[^\s"<>]+?(/n/|["<>\s]|$)`)
	bearerToken   = regexp.MustCompile(`(?i)\b(bearer\s+)[^\s"'<>]+`)
	commandSecret = regexp.MustCompile(`(?i)((?:^|[\s"'])--?[\w\-]*(?:password|passwd|secret|token|api-?key)\s+)("[^"]*"|'[^']*'|\S+)`)
	// curl -u and --user.
	commandUser = regexp.MustCompile(`((?:^|[\s"'])(?:-u|--user)[ =]?["']?[^\s:"']+:)[^\s"']+`)
)

// redactShapes hides what is secret by its shape, not by the name of a key.
func redactShapes(s string) string {
	if strings.Contains(s, "://") {
		s = redactUserinfo(s)
		s = queryParameter.ReplaceAllString(s, "${1}"+Mask)
		s = webhookPath.ReplaceAllString(s, "${1}"+Mask)
		s = preauthPath.ReplaceAllString(s, "${1}"+Mask+"${2}")
	}
	s = bearerToken.ReplaceAllString(s, "${1}"+Mask)
	s = commandSecret.ReplaceAllString(s, "${1}"+Mask)
	return commandUser.ReplaceAllString(s, "${1}"+Mask)
}

// redactUserinfo hides what is before the @ of every URL.
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
			out.WriteString(Mask)
			s = after[at:]
		}
	}
}

// userinfo returns the index of the @ that ends a URL's user and password, or
// -1; s begins after "://". The password may contain an unescaped "/", "?", "@",
// quote or angle bracket, although that makes the URL invalid.
func userinfo(s string) int {
	word := before(s, " \t\r\n")
	quoted := before(word, "\"<>")
	authority := before(quoted, "/?#")
	if at := strings.LastIndexByte(authority, '@'); at >= 0 {
		return at
	}
	_, port, found := strings.Cut(authority, ":")
	if found && strings.Trim(port, "0123456789") != "" && !strings.HasPrefix(authority, "[") {
		if at := strings.LastIndexByte(quoted, '@'); at >= 0 {
			return at
		}
	}
	return strings.LastIndexByte(before(word, "/?#"), '@')
}

// before returns s up to the first of chars.
func before(s, chars string) string {
	if end := strings.IndexAny(s, chars); end >= 0 {
		return s[:end]
	}
	return s
}
