#include "net/http_wire.h"

#include "base/strings.h"
#include "net/gzip.h"

namespace driftwarden::net {
namespace {

void AppendHeader(std::string& out, std::string_view name, std::string_view value) {
  out.append(name).append(": ").append(value).append("\r\n");
}

bool IsMethod(std::string_view method) {
  if (method.empty() || method.size() > 16) return false;
  for (const char c : method) {
    if (c < 'A' || c > 'Z') return false;
  }
  return method != "CONNECT";
}

bool IsFraming(const HttpHeader& header) {
  return EqualsIgnoreCase(header.name, "Content-Length") ||
         EqualsIgnoreCase(header.name, "Transfer-Encoding") ||
         EqualsIgnoreCase(header.name, "Connection");
}

}  // namespace

Status CheckRequest(const HttpRequest& request) {
  if (!IsMethod(request.method)) {
    return InvalidError(Cat("bad HTTP method \"", Printable(request.method, 40), "\""));
  }
  for (const HttpHeader& header : request.headers) {
    if (!IsSafeHeader(header) || IsFraming(header) || EqualsIgnoreCase(header.name, "Host")) {
      return InvalidError(Cat("header ", Printable(header.name, 60), " cannot be sent"));
    }
  }
  return OkStatus();
}

std::string WriteRequest(const HttpRequest& request, const Url& url, std::string_view user_agent) {
  std::string out;
  out.reserve(512 + url.target.size() + request.body.size());
  out.append(request.method).append(" ").append(url.target).append(" HTTP/1.1\r\n");
  AppendHeader(out, "Host", url.HostHeader());
  if (FindHeader(request.headers, "User-Agent") == nullptr) {
    AppendHeader(out, "User-Agent", user_agent);
  }
  if (FindHeader(request.headers, "Accept-Encoding") == nullptr) {
    AppendHeader(out, "Accept-Encoding", "gzip");
  }
  for (const HttpHeader& header : request.headers) AppendHeader(out, header.name, header.value);
  const bool bodyless = request.method == "GET" || request.method == "HEAD";
  if (!bodyless || !request.body.empty()) {
    AppendHeader(out, "Content-Length", Cat(request.body.size()));
  }
  out.append("\r\n").append(request.body);
  return out;
}

Status Unpack(HttpResponse& response, size_t limit) {
  const std::string* coding = response.Find("Content-Encoding");
  if (coding == nullptr || response.body.empty() || EqualsIgnoreCase(*coding, "identity")) {
    return OkStatus();
  }
  if (!EqualsIgnoreCase(*coding, "gzip") && !EqualsIgnoreCase(*coding, "x-gzip")) {
    return DataLossError(Cat("encoded as ", Printable(*coding, 40), ", only gzip was asked for"));
  }
  DW_ASSIGN_OR_RETURN(response.body, Gunzip(response.body, limit));
  response.body.reserve(response.body.size() + kJsonPadding);
  std::erase_if(response.headers, [](const HttpHeader& header) {
    return EqualsIgnoreCase(header.name, "Content-Encoding") ||
           EqualsIgnoreCase(header.name, "Content-Length");
  });
  return OkStatus();
}

std::string WriteResponse(const ServerResponse& response, const ResponseFrame& frame) {
  const bool never_body = response.status < 200 || response.status == 204 || response.status == 304;
  std::string out;
  out.reserve(512 + response.body.size());
  out.append(Cat("HTTP/1.1 ", response.status, " ", frame.reason, "\r\n"));
  if (frame.date.has_value() && FindHeader(response.headers, "Date") == nullptr) {
    AppendHeader(out, "Date", FormatHttpDate(*frame.date));
  }
  if (!response.content_type.empty()) AppendHeader(out, "Content-Type", response.content_type);
  for (const HttpHeader& header : response.headers) {
    if (IsSafeHeader(header) && !IsFraming(header)) AppendHeader(out, header.name, header.value);
  }
  if (!never_body) AppendHeader(out, "Content-Length", Cat(response.body.size()));
  AppendHeader(out, "Connection", frame.keep_alive ? "keep-alive" : "close");
  out.append("\r\n");
  if (!never_body && !frame.head) out.append(response.body);
  return out;
}

}  // namespace driftwarden::net
