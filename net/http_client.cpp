#include "net/http_client.h"

#include <algorithm>
#include <boost/asio/as_tuple.hpp>
#include <boost/asio/buffer.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/this_coro.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <boost/beast/http/parser.hpp>
#include <list>
#include <map>

#include "base/files.h"
#include "base/secret.h"
#include "base/strings.h"
#include "base/time.h"
#include "base/units.h"
#include "base/unsent.h"
#include "net/byte_stream.h"
#include "net/http_feed.h"
#include "net/http_wire.h"
#include "net/url.h"

namespace driftwarden::net {
namespace {

namespace http = boost::beast::http;
using boost::system::error_code;

constexpr size_t kHeaderLimit = size_t{64} << 10;
constexpr size_t kReadSize = size_t{32} << 10;
constexpr size_t kHostsMax = 64;  // before hosts that are not in use are forgotten

// A string body with kJsonPadding bytes of spare capacity.
struct PaddedBody {
  using value_type = std::string;
  class reader {  // NOLINT(readability-identifier-naming): the name that Beast asks for
   public:
    template <bool IsRequest, class Fields>
    reader(http::header<IsRequest, Fields>&, std::string& body) : body_(body) {}
    // The parser has held `length` against its body limit.
    void init(const boost::optional<std::uint64_t>& length, error_code& error) {
      error = {};
      if (length) body_.reserve(static_cast<size_t>(*length) + kJsonPadding);
    }
    template <class Buffers>
    size_t put(const Buffers& buffers, error_code& error) {
      error = {};
      size_t total = 0;
      const auto end = asio::buffer_sequence_end(buffers);
      for (auto it = asio::buffer_sequence_begin(buffers); it != end; ++it) {
        const asio::const_buffer part(*it);
        body_.append(static_cast<const char*>(part.data()), part.size());
        total += part.size();
      }
      return total;
    }
    void finish(error_code& error) {
      error = {};
      body_.reserve(body_.size() + kJsonPadding);
    }

   private:
    std::string& body_;
  };
};
using Parser = http::response_parser<PaddedBody>;

struct Waiter {
  asio::steady_timer timer;
  bool granted = false;
  explicit Waiter(const asio::any_io_executor& executor) : timer(executor) {}
};

struct HostPool {
  std::string authority;
  size_t in_use = 0;
  std::vector<std::unique_ptr<ByteStream>> idle;
  std::list<std::shared_ptr<Waiter>> waiters;  // first come, first served
};

StatusOr<DialerOptions> ReadFiles(const HttpClientOptions& options) {
  DialerOptions dialer;
  if (!options.ca_file.empty()) {
    DW_ASSIGN_OR_RETURN(dialer.ca_pem, ReadFile(options.ca_file));
  }
  if (!options.client_certificate_file.empty()) {
    DW_ASSIGN_OR_RETURN(dialer.client_identity.certificate_pem,
                        ReadFile(options.client_certificate_file));
    DW_ASSIGN_OR_RETURN(dialer.client_identity.key_pem, ReadFile(options.client_key_file));
  }
  dialer.proxy = options.proxy;
  if (!options.proxy_credentials_file.empty()) {
    DW_ASSIGN_OR_RETURN(const Secret credentials, ReadSecretFile(options.proxy_credentials_file));
    dialer.proxy_credentials = std::string(credentials.Reveal());
  }
  return dialer;
}

// Shared by the client and the exchanges under way.
struct Core {
  asio::any_io_executor executor;
  HttpClientOptions options;
  std::shared_ptr<Dialer> dialer;
  DialerOptions files;  // what the dialer was made of
  SystemClock clock;    // sockets live in real time, also in a simulation
  std::map<std::string, std::shared_ptr<HostPool>> hosts;

  // A CA or a password that was mended or renewed counts for the next connection; files that make
  // no sense do not.
  std::shared_ptr<Dialer> FreshDialer() {
    const auto now = ReadFiles(options);
    const auto same = [this](const DialerOptions& other) {
      return other.ca_pem == files.ca_pem &&
             other.client_identity.certificate_pem == files.client_identity.certificate_pem &&
             other.client_identity.key_pem == files.client_identity.key_pem &&
             other.proxy_credentials == files.proxy_credentials;
    };
    if (!now.ok() || same(*now)) return dialer;
    auto made = NewDialer(executor, *now);
    if (!made.ok()) return dialer;
    files = *now;
    dialer = *std::move(made);
    return dialer;
  }

  std::shared_ptr<HostPool> PoolOf(const Url& url) {
    const std::string key = Cat(url.scheme, "://", url.Authority());
    if (hosts.size() >= kHostsMax && hosts.find(key) == hosts.end()) {
      std::erase_if(hosts, [](const auto& entry) {
        return entry.second->in_use == 0 && entry.second->waiters.empty();
      });
    }
    std::shared_ptr<HostPool>& pool = hosts[key];
    if (pool == nullptr) {
      pool = std::make_shared<HostPool>();
      pool->authority = url.Authority();
    }
    return pool;
  }
};

// The right to use one connection to a host; handed to the next waiter when it goes.
class Slot {
 public:
  explicit Slot(std::shared_ptr<HostPool> pool) : pool_(std::move(pool)) {}
  Slot(const Slot&) = delete;
  Slot& operator=(const Slot&) = delete;
  ~Slot() {
    if (pool_->waiters.empty()) {
      --pool_->in_use;
      return;
    }
    const std::shared_ptr<Waiter> next = pool_->waiters.front();
    pool_->waiters.pop_front();
    next->granted = true;
    next->timer.cancel();
  }

 private:
  std::shared_ptr<HostPool> pool_;
};

bool IsCancelled(const asio::cancellation_state& state) {
  return state.cancelled() != asio::cancellation_type::none;
}

asio::awaitable<StatusOr<std::unique_ptr<Slot>>> Acquire(std::shared_ptr<Core> core,
                                                         std::shared_ptr<HostPool> pool,
                                                         absl::Duration timeout) {
  if (pool->in_use < core->options.max_connections_per_host) {
    ++pool->in_use;
    co_return std::make_unique<Slot>(pool);
  }
  const auto waiter = std::make_shared<Waiter>(core->executor);
  waiter->timer.expires_after(absl::ToChronoNanoseconds(timeout));
  pool->waiters.push_back(waiter);
  const auto [ignored] = co_await waiter->timer.async_wait(asio::as_tuple(asio::use_awaitable));
  static_cast<void>(ignored);
  const auto state = co_await asio::this_coro::cancellation_state;
  // A granted slot is ours even when we are stopping: its destructor hands it on.
  std::unique_ptr<Slot> slot;
  if (waiter->granted) slot = std::make_unique<Slot>(pool);
  if (slot == nullptr) pool->waiters.remove(waiter);
  if (IsCancelled(state)) co_return CancelledError("stopping");
  if (slot == nullptr) {
    co_return DeadlineError(Cat("all connections to ", pool->authority, " were busy"));
  }
  co_return std::move(slot);
}

// One request on one connection.
struct Exchange {
  std::unique_ptr<ByteStream> stream;
  std::string authority;
  std::string pending;  // read and not yet parsed
  bool head = false;
  bool got_bytes = false;  // anything of the answer
  bool reusable = false;
  size_t body_limit = 0;

  Exchange() = default;
};

Status ParseFailure(const error_code& error, const Exchange& exchange) {
  if (error == http::error::body_limit) {
    return DataLossError(Cat("the answer of ", exchange.authority, " is larger than ",
                             exchange.body_limit, " bytes"));
  }
  return DataLossError(
      Cat("the answer of ", exchange.authority, " is not HTTP: ", error.message()));
}

// Reads until the parser has a whole message.
asio::awaitable<Status> ReadMessage(Exchange* exchange, Parser* parser) {
  const std::unique_ptr<char[]> buffer(new char[kReadSize]);
  while (true) {
    const error_code error = Feed(*parser, exchange->pending, http::error::need_more);
    if (error) co_return ParseFailure(error, *exchange);
    if (parser->is_done()) co_return OkStatus();
    // The head has its limit; the extension of a chunk and a trailer have none in Beast.
    if (exchange->pending.size() > kHeaderLimit) {
      co_return DataLossError(Cat("the answer of ", exchange->authority,
                                  " is not HTTP: a line longer than ", kHeaderLimit, " bytes"));
    }
    const auto count = co_await exchange->stream->ReadSome(buffer.get(), kReadSize);
    if (!count.ok()) co_return count.status();
    if (*count > 0) {
      exchange->got_bytes = true;
      exchange->pending.append(buffer.get(), *count);
      continue;
    }
    if (parser->is_header_done() && parser->need_eof()) {
      error_code end_error;
      parser->put_eof(end_error);
      if (end_error) co_return ParseFailure(end_error, *exchange);
      co_return OkStatus();
    }
    co_return UnavailableError(
        Cat(exchange->authority, " closed the connection ",
            exchange->got_bytes ? "in the middle of its answer" : "before it answered"));
  }
}

HttpResponse TakeResponse(Parser& parser) {
  HttpResponse response;
  auto& message = parser.get();
  response.status = static_cast<int>(message.result_int());
  for (const auto& field : message) {
    response.headers.emplace_back(std::string(field.name_string()), std::string(field.value()));
  }
  response.body = std::move(message.body());
  if (response.body.capacity() < response.body.size() + kJsonPadding) {
    response.body.reserve(response.body.size() + kJsonPadding);
  }
  if (const std::string* date = response.Find("Date")) response.date = ParseHttpDate(*date);
  return response;
}

asio::awaitable<StatusOr<HttpResponse>> Converse(Exchange* exchange, std::string bytes) {
  const Status written = co_await exchange->stream->WriteAll(std::move(bytes));
  if (!written.ok()) co_return written;
  while (true) {
    Parser parser;
    parser.eager(true);
    parser.skip(exchange->head);
    parser.header_limit(kHeaderLimit);
    parser.body_limit(exchange->body_limit);
    const Status read = co_await ReadMessage(exchange, &parser);
    if (!read.ok()) co_return read;
    HttpResponse response = TakeResponse(parser);
    const bool interim = response.status < 200 && response.status != 101;
    if (interim) continue;
    const Status unpacked = Unpack(response, exchange->body_limit);
    if (!unpacked.ok()) co_return Annotate(unpacked, Cat("the answer of ", exchange->authority));
    exchange->reusable = parser.keep_alive() && exchange->pending.empty() && response.status != 101;
    co_return response;
  }
}

// A kept connection that is still usable, or null.
std::unique_ptr<ByteStream> TakeIdle(HostPool& pool) {
  while (!pool.idle.empty()) {
    std::unique_ptr<ByteStream> stream = std::move(pool.idle.back());
    pool.idle.pop_back();
    if (stream->IsQuiet()) return stream;
  }
  return nullptr;
}

asio::awaitable<StatusOr<std::unique_ptr<ByteStream>>> Connect(std::shared_ptr<Core> core, Url url,
                                                               absl::Duration deadline) {
  DialTarget target(url.host, url.port, url.tls());
  target.unix_socket = url.unix_socket();
  const absl::Duration left = deadline - core->clock.Steady();
  const absl::Duration limit = std::min(left, core->options.connect_timeout);
  const std::shared_ptr<Dialer> dialer = core->FreshDialer();
  auto dialed = co_await dialer->Dial(std::move(target), limit);
  co_return dialed;
}

asio::awaitable<StatusOr<HttpResponse>> SendNow(std::shared_ptr<Core> core, HttpRequest request,
                                                absl::Duration timeout) {
  DW_CO_RETURN_IF_ERROR(CheckRequest(request));
  DW_CO_ASSIGN_OR_RETURN(const Url url, ParseUrl(request.url));
  const absl::Duration deadline = core->clock.Steady() + timeout;
  const std::shared_ptr<HostPool> pool = core->PoolOf(url);
  const auto slot = co_await Acquire(core, pool, timeout);
  if (!slot.ok()) co_return Unsent(slot.status());
  const bool repeatable = request.method == "GET" || request.method == "HEAD";
  Status failed = OkStatus();
  for (int attempt = 0; attempt < 2; ++attempt) {
    Exchange exchange;
    exchange.authority = pool->authority;
    exchange.head = request.method == "HEAD";
    exchange.body_limit = request.response_limit;
    if (attempt == 0) exchange.stream = TakeIdle(*pool);
    const bool kept = exchange.stream != nullptr;
    if (!kept) {
      auto dialed = co_await Connect(core, url, deadline);
      if (!dialed.ok()) co_return attempt == 0 ? Unsent(dialed.status()) : dialed.status();
      exchange.stream = *std::move(dialed);
    }
    exchange.stream->ExpiresAfter(deadline - core->clock.Steady());
    std::string bytes = WriteRequest(request, url, core->options.user_agent);
    auto answer = co_await Converse(&exchange, std::move(bytes));
    if (answer.ok()) {
      if (exchange.reusable) {
        exchange.stream->ExpiresAfter(core->options.idle_timeout);
        pool->idle.push_back(std::move(exchange.stream));
      }
      co_return answer;
    }
    failed = answer.status();
    // The other side may have closed a kept connection at the moment we used it.
    const bool stale = kept && !exchange.got_bytes && absl::IsUnavailable(failed);
    if (!stale || !repeatable) break;
  }
  if (absl::IsDeadlineExceeded(failed)) {
    co_return DeadlineError(
        Cat("no complete answer from ", pool->authority, " within ", HumanDuration(timeout)));
  }
  co_return failed;
}

class PooledHttpClient final : public HttpClient {
 public:
  explicit PooledHttpClient(std::shared_ptr<Core> core) : core_(std::move(core)) {}
  ~PooledHttpClient() override {
    for (const auto& [key, pool] : core_->hosts) pool->idle.clear();
  }

  asio::awaitable<StatusOr<HttpResponse>> Send(HttpRequest request,
                                               absl::Duration timeout) override {
    return SendNow(core_, std::move(request), timeout);
  }

 private:
  std::shared_ptr<Core> core_;
};

}  // namespace

StatusOr<std::unique_ptr<HttpClient>> NewHttpClient(asio::any_io_executor executor,
                                                    HttpClientOptions options) {
  DW_ASSIGN_OR_RETURN(DialerOptions files, ReadFiles(options));
  auto core = std::make_shared<Core>();
  core->executor = executor;
  core->files = files;
  auto made = NewDialer(executor, std::move(files));
  if (!made.ok()) {
    return options.ca_file.empty() ? made.status() : Annotate(made.status(), options.ca_file);
  }
  core->dialer = *std::move(made);
  options.max_connections_per_host = std::max<size_t>(options.max_connections_per_host, 1);
  core->options = std::move(options);
  return std::unique_ptr<HttpClient>(std::make_unique<PooledHttpClient>(std::move(core)));
}

}  // namespace driftwarden::net
