# Copyright The falco-bootstrap Authors
# SPDX-License-Identifier: Apache-2.0
#
# arrive.rb GEM reads a {"rule": …, "line": …} object from each line and prints what
# the logging agent would send: it applies the parser that Terraform configures as
# fluentd does. GEM is strptime or none.
require 'json'
require 'time'
require 'strptime' if ARGV[0] == 'strptime'

# fluentd uses the gem, and the standard library if there is no gem or it does not
# know the format.
def read_time(rule, text)
  # JSON times are numbers unless the rule says otherwise.
  return Time.at(Float(text)).utc.iso8601(9) if rule['parser_type'] == 'JSON' && rule['time_type'] != 'STRING'

  format = rule['time_format']
  fast = (Strptime.new(format) rescue nil) if defined?(Strptime)
  (fast ? fast.exec(text) : Time.strptime(text, format)).utc.iso8601(9)
end

# A record, or nil if the line does not match.
def record(rule, line)
  return (JSON.parse(line) rescue nil) if rule['parser_type'] == 'JSON'

  match = Regexp.new(rule['expression']).match(line) or return nil
  match.names.map { |name| [name, match[name]] }.reject { |_, value| value.nil? }.to_h
end

def arrival(rule, line)
  fields = record(rule, line)
  # Without a key of their own, both parsers look for "time".
  key = rule['field_time_key'].empty? ? 'time' : rule['field_time_key']
  return { 'time' => '' } if fields.nil?

  time = fields.key?(key) ? read_time(rule, fields[key]) : 'now'
  { 'time' => time, 'priority' => fields['priority'] || '', 'output' => fields['output'] || '' }
rescue ArgumentError
  { 'time' => '' }
end

$stdin.each_line do |input|
  query = JSON.parse(input)
  puts JSON.generate(arrival(query['rule'], query['line']))
end
