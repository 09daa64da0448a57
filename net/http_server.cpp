#include "net/http_server.h"

#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/parser.hpp>
#include <boost/beast/http/string_body.hpp>

#include "base/async/task_group.h"
#include "base/strings.h"
#include "net/byte_stream.h"
#include "net/http_feed.h"
#include "net/http_wire.h"
#include "net/problem.h"

namespace driftwarden::net {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;
using Parser = http::request_parser<http::string_body>;

constexpr size_t kReadSize = size_t{16} << 10;
// After a refusal the rest of the request is read and dropped, or the reset that unread bytes
// cause would overtake our answer. Within bounds.
constexpr size_t kDrainBytes = size_t{1} << 20;
constexpr absl::Duration kDrainTime = absl::Seconds(1);
constexpr auto kAcceptPause = std::chrono::milliseconds(100);

struct Listener {
  ServerOptions options;
  std::unique_ptr<StreamListener> stream;
  size_t connections = 0;
};

// What one connection needs while it lasts.
struct Session {
  Listener* listener;
  const Handler* handler;
  std::unique_ptr<ByteStream> stream;
  std::string pending;  // read and not yet parsed
  bool first = true;    // no request was read yet

  Session(Listener* l, const Handler* h, std::unique_ptr<ByteStream> s)
      : listener(l), handler(h), stream(std::move(s)) {
    ++listener->connections;
  }
  Session(const Session&) = delete;
  Session& operator=(const Session&) = delete;
  ~Session() { --listener->connections; }
};

bool IsCancelled(const asio::cancellation_state& state) {
  return state.cancelled() != asio::cancellation_type::none;
}

ServerResponse RefusalOf(const error_code& error, const ServerOptions& options) {
  if (error == http::error::body_limit) {
    return Problem(413, "Content Too Large", Cat("the limit is ", options.body_limit, " bytes"));
  }
  if (error == http::error::header_limit) {
    return Problem(431, "Request Header Fields Too Large",
                   Cat("the limit is ", options.header_limit, " bytes"));
  }
  return Problem(400, "Bad Request", Cat("not HTTP/1.1: ", error.message()));
}

// Fills all but the connection's part; InvalidArgument for a target that makes no sense.
StatusOr<ServerRequest> ToRequest(Parser& parser) {
  auto& message = parser.get();
  ServerRequest request;
  request.method = std::string(message.method_string());
  std::string target(message.target());
  if (target.empty() || target[0] != '/') {
    DW_ASSIGN_OR_RETURN(Url url, ParseUrl(target));  // the absolute form, as proxies send it
    target = std::move(url.target);
  }
  const size_t question = target.find('?');
  request.path = target.substr(0, question);
  if (question != std::string::npos) {
    DW_ASSIGN_OR_RETURN(request.query, ParseQuery(std::string_view(target).substr(question + 1)));
  }
  for (const auto& field : message) {
    request.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  request.body = std::move(message.body());
  return request;
}

enum class ReadResult { kRequest, kRefused, kGone };

asio::awaitable<bool> WriteText(Session* session, std::string text) {
  session->stream->ExpiresAfter(session->listener->options.write_timeout);
  const Status written = co_await session->stream->WriteAll(std::move(text));
  co_return written.ok();
}

asio::awaitable<bool> Answer(Session* session, ServerResponse response, bool keep_alive,
                             bool head) {
  for (const HttpHeader& header : response.headers) {
    if (IsSafeHeader(header)) continue;
    response = Problem(500, "Internal Server Error", "the answer had a header that cannot be sent");
    break;
  }
  const ServerOptions& options = session->listener->options;
  const auto reason =
      http::obsolete_reason(http::int_to_status(static_cast<unsigned>(response.status)));
  ResponseFrame frame;
  frame.reason = std::string_view(reason.data(), reason.size());
  frame.keep_alive = keep_alive;
  frame.head = head;
  if (options.clock != nullptr) frame.date = options.clock->Wall();
  std::string text = WriteResponse(response, frame);
  const bool written = co_await WriteText(session, std::move(text));
  co_return written;
}

asio::awaitable<void> Refuse(Session* session, ServerResponse response) {
  const bool written = co_await Answer(session, std::move(response), false, false);
  if (!written) co_return;
  session->stream->FinishWriting();
  session->stream->ExpiresAfter(kDrainTime);
  const std::unique_ptr<char[]> buffer(new char[kReadSize]);
  size_t dropped = 0;
  while (dropped < kDrainBytes) {
    const auto count = co_await session->stream->ReadSome(buffer.get(), kReadSize);
    if (!count.ok() || *count == 0) co_return;
    dropped += *count;
  }
}

// The whole request must arrive within the read timeout of its first byte, however slowly the
// bytes come.
asio::awaitable<ReadResult> ReadRequest(Session* session, Parser* parser) {
  const ServerOptions& options = session->listener->options;
  const std::unique_ptr<char[]> buffer(new char[kReadSize]);
  bool started = !session->pending.empty();
  bool continued = false;
  session->stream->ExpiresAfter(session->first || started ? options.read_timeout
                                                          : options.idle_timeout);
  session->first = false;
  while (true) {
    const error_code error = Feed(*parser, session->pending, http::error::need_more);
    if (error) {
      ServerResponse refusal = RefusalOf(error, options);
      co_await Refuse(session, std::move(refusal));
      co_return ReadResult::kRefused;
    }
    if (parser->is_done()) co_return ReadResult::kRequest;
    // As long as a head, and no longer, may be what Beast keeps waiting for more of: the extension
    // of a chunk and a trailer have no limit of their own.
    if (session->pending.size() > options.header_limit) {
      ServerResponse refusal = RefusalOf(http::error::header_limit, options);
      co_await Refuse(session, std::move(refusal));
      co_return ReadResult::kRefused;
    }
    if (parser->is_header_done() && !continued &&
        EqualsIgnoreCase(std::string_view(parser->get()[http::field::expect]), "100-continue")) {
      continued = true;
      std::string go_on = "HTTP/1.1 100 Continue\r\n\r\n";
      const bool written = co_await WriteText(session, std::move(go_on));
      if (!written) co_return ReadResult::kGone;
      session->stream->ExpiresAfter(options.read_timeout);
    }
    const auto count = co_await session->stream->ReadSome(buffer.get(), kReadSize);
    if (!count.ok() || *count == 0) co_return ReadResult::kGone;
    if (!started) session->stream->ExpiresAfter(options.read_timeout);
    started = true;
    session->pending.append(buffer.get(), *count);
  }
}

// Reads and answers one request; false when the connection is to end.
asio::awaitable<bool> ServeOne(Session* session) {
  Parser parser;
  parser.eager(true);
  parser.header_limit(static_cast<std::uint32_t>(session->listener->options.header_limit));
  parser.body_limit(session->listener->options.body_limit);
  const ReadResult read = co_await ReadRequest(session, &parser);
  if (read != ReadResult::kRequest) co_return false;
  StatusOr<ServerRequest> request = ToRequest(parser);
  if (!request.ok()) {
    ServerResponse refusal = Problem(400, "Bad Request", std::string(Message(request.status())));
    co_await Refuse(session, std::move(refusal));
    co_return false;
  }
  request->peer = session->stream->peer();
  request->peer_uid = session->stream->peer_uid();
  request->over_unix = !session->listener->options.unix_path.empty();
  const bool head = request->method == "HEAD";
  const bool keep_alive = parser.keep_alive();
  session->stream->ExpiresAfter(absl::InfiniteDuration());  // the handler's time is its own
  ServerRequest taken = *std::move(request);
  ServerResponse response = co_await (*session->handler)(std::move(taken));
  const auto state = co_await asio::this_coro::cancellation_state;
  if (IsCancelled(state)) co_return false;
  const bool written = co_await Answer(session, std::move(response), keep_alive, head);
  co_return written&& keep_alive;
}

asio::awaitable<void> Serve(std::unique_ptr<Session> session) {
  if (session->listener->options.tls.has_value()) {
    session->stream->ExpiresAfter(session->listener->options.read_timeout);
    const Status secured = co_await session->stream->StartTlsServer();
    if (!secured.ok()) co_return;
  }
  bool more = true;
  while (more) more = co_await ServeOne(session.get());
  const auto state = co_await asio::this_coro::cancellation_state;
  if (!IsCancelled(state)) co_await session->stream->Shutdown();
}

}  // namespace

struct HttpServer::Impl {
  asio::any_io_executor executor;
  Handler handler;
  std::vector<std::unique_ptr<Listener>> listeners;
  TaskGroup tasks;

  Impl(const asio::any_io_executor& e, Handler h) : executor(e), handler(std::move(h)), tasks(e) {}

  asio::awaitable<void> AcceptAll(Listener* listener) {
    asio::steady_timer pause(executor);
    while (true) {
      auto accepted = co_await listener->stream->Accept();
      if (accepted.ok()) {
        // Over the limit: closed at once, the peer sees it and may come again.
        if (listener->connections >= listener->options.max_connections) continue;
        auto session = std::make_unique<Session>(listener, &handler, *std::move(accepted));
        tasks.Spawn(Serve(std::move(session)));
        continue;
      }
      if (absl::IsCancelled(accepted.status())) co_return;
      // Out of descriptors, most likely: sessions that end give some back.
      pause.expires_after(kAcceptPause);
      const auto [error] = co_await pause.async_wait(asio::as_tuple(asio::use_awaitable));
      if (error) co_return;
    }
  }
};

HttpServer::HttpServer(asio::any_io_executor executor, Handler handler)
    : impl_(std::make_unique<Impl>(executor, std::move(handler))) {}

HttpServer::~HttpServer() = default;

StatusOr<uint16_t> HttpServer::Listen(ServerOptions options) {
  if (impl_->tasks.cancelled()) return PreconditionError("the server was stopped");
  auto listener = std::make_unique<Listener>();
  ListenOptions listen;
  listen.address = options.address;
  listen.port = options.port;
  listen.unix_path = options.unix_path;
  listen.tls = options.tls;
  DW_ASSIGN_OR_RETURN(listener->stream, NewStreamListener(impl_->executor, std::move(listen)));
  listener->options = std::move(options);
  const uint16_t port = listener->stream->port();
  impl_->listeners.push_back(std::move(listener));
  impl_->tasks.Spawn(impl_->AcceptAll(impl_->listeners.back().get()));
  return port;
}

asio::awaitable<void> HttpServer::Stop() {
  for (const auto& listener : impl_->listeners) listener->stream->Close();
  impl_->tasks.Cancel();
  co_await impl_->tasks.Join();
}

size_t HttpServer::connections() const {
  size_t count = 0;
  for (const auto& listener : impl_->listeners) count += listener->connections;
  return count;
}

std::string_view ServerRequest::Query(std::string_view name) const {
  for (const auto& [key, value] : query) {
    if (key == name) return value;
  }
  return {};
}

bool ServerRequest::HasQuery(std::string_view name) const {
  for (const auto& pair : query) {
    if (pair.first == name) return true;
  }
  return false;
}

}  // namespace driftwarden::net
