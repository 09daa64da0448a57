#include "watchers/ad_reader.h"

#include <algorithm>
#include <boost/asio/this_coro.hpp>
#include <optional>
#include <string>
#include <utility>

#include "base/hex.h"
#include "base/strings.h"
#include "watchers/directory/observe.h"
#include "watchers/directory/schema.h"

namespace driftwarden::watchers {
namespace {

using directory::SearchRequest;

AdSourceOptions ForDirectReads(AdSourceOptions options) {
  options.search_timeout = options.direct_timeout;
  return options;
}

SearchRequest Base(std::string base, SearchRequest::Scope scope, std::string filter) {
  SearchRequest request;
  request.base = std::move(base);
  request.scope = scope;
  request.filter = std::move(filter);
  request.show_deleted = true;
  request.page_size = 0;
  return request;
}

// "\45\bb…": the raw bytes in a filter (RFC 4515).
std::string FilterBytes(std::string_view raw) {
  std::string out;
  for (const char byte : raw) out += Cat('\\', HexEncode(std::string_view(&byte, 1)));
  return out;
}

}  // namespace

// Holds the session for one call.
class AdReader::Turn {
 public:
  explicit Turn(AdReader& reader) : reader_(reader) { reader_.busy_ = true; }
  ~Turn() {
    reader_.busy_ = false;
    reader_.free_->Set();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  AdReader& reader_;
};

AdReader::AdReader(AdSourceOptions options, directory::SessionFactory& sessions, const Clock& clock,
                   Logger& log)
    : options_(ForDirectReads(std::move(options))),
      clock_(clock),
      connection_(options_, sessions, clock, log) {}

asio::awaitable<Status> AdReader::WaitForTurn() {
  if (free_ == nullptr) {
    const auto executor = co_await asio::this_coro::executor;
    free_ = std::make_unique<AsyncEvent>(executor);
  }
  while (busy_) {
    free_->Reset();
    const bool woken = co_await free_->Wait();
    if (!woken) co_return CancelledError("stopping");
  }
  co_return OkStatus();
}

asio::awaitable<StatusOr<std::vector<monitor::Observation>>> AdReader::ReadAccounts(
    std::vector<monitor::Guid> guids) {
  const Status ready = co_await WaitForTurn();
  if (!ready.ok()) co_return ready;
  const Turn turn(*this);
  const bool reused = connection_.open();
  std::vector<monitor::Guid> first = guids;
  auto read = co_await ReadManyNow(std::move(first));
  if (reused && read.status().code() == StatusCode::kUnavailable) {
    read = co_await ReadManyNow(std::move(guids));
  }
  co_return read;
}

asio::awaitable<StatusOr<std::vector<monitor::Observation>>> AdReader::ReadManyNow(
    std::vector<monitor::Guid> guids) {
  const Status ready = co_await connection_.Ensure();
  if (!ready.ok()) co_return ready;
  std::string any;
  for (const monitor::Guid& guid : guids) any += Cat("(objectGUID=", FilterBytes(guid.Raw()), ')');
  SearchRequest request =
      Base(connection_.state().naming_context, SearchRequest::Scope::kSubtree, Cat("(|", any, ')'));
  const directory::ObserveOptions options = options_.Observing();
  request.attributes = directory::RequestedAttributes(options);
  TimeBounds at;
  at.lo = clock_.Wall();
  const auto page = co_await connection_.session().Search(std::move(request));
  if (!page.ok()) {
    connection_.Drop();
    co_return page.status();
  }
  at.hi = std::max(at.lo, clock_.Wall());
  std::vector<monitor::Observation> found;
  for (const directory::Entry& entry : page->entries) {
    const auto view = directory::ObserveAccount(entry, options);
    if (!view.ok() || !view->has_value()) continue;
    if (options_.sight != nullptr) options_.sight->NoteAccount(**view);
    monitor::Observation observation;
    observation.look.source = options_.name;
    observation.look.at = at;
    observation.look.kind = monitor::LookKind::kDirect;
    observation.view = **view;
    found.push_back(std::move(observation));
  }
  co_return found;
}

asio::awaitable<StatusOr<monitor::Observation>> AdReader::ReadAccount(monitor::Guid guid) {
  const Status ready = co_await WaitForTurn();
  if (!ready.ok()) co_return ready;
  const Turn turn(*this);
  const bool reused = connection_.open();
  StatusOr<monitor::Observation> read = co_await ReadNow(guid);
  if (reused && read.status().code() == StatusCode::kUnavailable) {
    // A controller ends idle sessions; that says nothing about the next one.
    read = co_await ReadNow(guid);
  }
  co_return read;
}

asio::awaitable<StatusOr<monitor::Observation>> AdReader::ReadNow(monitor::Guid guid) {
  const Status ready = co_await connection_.Ensure();
  if (!ready.ok()) co_return ready;
  SearchRequest by_name =
      Base(Cat("<GUID=", guid.ToString(), '>'), SearchRequest::Scope::kBase, "(objectClass=*)");
  StatusOr<monitor::Observation> found = co_await Search(std::move(by_name), guid);
  if (found.status().code() == StatusCode::kNotFound) {
    // The name form does not reach every tombstone on every server.
    SearchRequest by_filter =
        Base(connection_.state().naming_context, SearchRequest::Scope::kSubtree,
             Cat("(objectGUID=", FilterBytes(guid.Raw()), ')'));
    found = co_await Search(std::move(by_filter), guid);
  }
  const StatusCode code = found.status().code();
  const bool answered = found.ok() || code == StatusCode::kNotFound ||
                        code == StatusCode::kFailedPrecondition || code == StatusCode::kDataLoss;
  if (!answered) connection_.Drop();
  co_return found;
}

asio::awaitable<StatusOr<monitor::Observation>> AdReader::Search(SearchRequest request,
                                                                 monitor::Guid guid) {
  monitor::Observation observation;
  observation.look.source = options_.name;
  observation.look.kind = monitor::LookKind::kDirect;
  observation.look.at.lo = clock_.Wall();
  const directory::ObserveOptions options = options_.Observing();
  request.attributes = directory::RequestedAttributes(options);
  // A constructed attribute: only the object itself can be asked for it.
  const bool base = request.scope == SearchRequest::Scope::kBase;
  if (base && options.groups != nullptr) request.attributes.emplace_back("tokenGroups");
  const auto page = co_await connection_.session().Search(std::move(request));
  if (!page.ok()) co_return page.status();
  observation.look.at.hi = std::max(observation.look.at.lo, clock_.Wall());
  observation.look.one_copy_since = connection_.OneCopySince();
  if (page->entries.empty()) {
    co_return NotFoundError(Cat(options_.name.value, ": neither an object nor a tombstone ",
                                guid.ToString(), " is visible on ", connection_.server()));
  }
  auto view = directory::ObserveAccount(page->entries.front(), options);
  if (!view.ok()) co_return Annotate(view.status(), options_.name.value);
  if (!view->has_value()) {
    co_return PreconditionError(
        Cat(options_.name.value, ": ", guid.ToString(), " is no person's account"));
  }
  if ((*view)->object_guid != guid) {
    co_return DataLossError(Cat(options_.name.value, ": asked for ", guid.ToString(), ", got ",
                                (*view)->object_guid.ToString()));
  }
  observation.view = **std::move(view);
  co_return observation;
}

}  // namespace driftwarden::watchers
