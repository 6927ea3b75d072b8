/** The words for what the readers of HTTP find wrong: they name the guilty part and repeat none of it. */
const words: Readonly<Record<string, string>> = {
  method: "the method is no token of at most 32 characters",
  "request-line": "the request line is not a method, a target and a version with one space between",
  version: "the version is not HTTP/1.1 or HTTP/1.0",
  "trace-refused": "TRACE is not served",
  target: "the request target is no URL",
  "target-too-long": "the request target is longer than 8192 bytes",
  scheme: "the target's scheme is not known",
  authority: "the target's host is neither a name nor an address",
  port: "the target's port is missing or not a number from 1 to 65535",
  "user-information": "the target holds a user name",
  "folded-field": "a header field is folded over two lines",
  "field-without-colon": "a header line has no colon",
  "field-name": "a header field's name is empty or no token",
  "field-value": "a header field's value holds a control character",
  "too-many-fields": "there are too many header fields",
  "head-too-large": "the head is too long",
  "bare-line-feed": "a line ends in LF without CR",
  "no-host": "there is no Host field",
  "two-hosts": "there are two Host fields",
  host: "the Host field holds no host",
  "content-length": "Content-Length is not one plain number",
  "length-and-transfer-encoding": "both Content-Length and Transfer-Encoding are there",
  "transfer-encoding": "Transfer-Encoding is not chunked",
  "transfer-encoding-in-1.0": "Transfer-Encoding stands in an HTTP/1.0 message",
  "connect-with-body": "CONNECT announces a body",
  "two-proxy-authorizations": "there are two Proxy-Authorization fields",
  "status-line": "the status line is malformed",
  "chunk-size": "a chunk's size is not a plain hexadecimal number of at most 12 digits",
  "chunk-line-end": "a chunk does not end in CR LF",
  "chunk-extension": "a chunk's extension is too long or holds a control character",
  trailer: "a trailer is malformed, too long, or one that only a head may carry",
};

export function describeFault(reason: string): string {
  return words[reason] ?? reason;
}
