#include "daemon/leaver_loop.h"

#include <sys/stat.h>

#include <algorithm>
#include <cerrno>

#include "base/files.h"
#include "base/strings.h"
#include "daemon/named.h"

namespace driftwarden::daemon {

using monitor::LeaveWord;
using monitor::PersonOrdinal;

namespace {

constexpr size_t kBatch = 200;            // people a command
constexpr size_t kWaitingTried = 10'000;  // a poll
constexpr absl::Duration kAgain = absl::Seconds(5);
constexpr char kActor[] = "expected_leavers.csv_file";

}  // namespace

struct LeaverLoop::Found {
  std::vector<std::vector<LeaveWord>> words;  // by link
  std::vector<LeaverRow> unknown;
};

LeaverLoop::LeaverLoop(LeaverLoopParts parts, std::vector<LinkPort*> links, std::string path,
                       absl::Duration interval)
    : parts_(parts), links_(std::move(links)), path_(std::move(path)), interval_(interval) {
  report_.path = path_;
}

asio::awaitable<void> LeaverLoop::Run() {
  while (true) {
    const Status done = co_await Once();
    if (done.code() == StatusCode::kCancelled) co_return;
    const std::string text(Message(done));
    if (text != last_error_ && !done.ok()) parts_.log.Warn("leavers_not_taken_in", text, {});
    last_error_ = text;
    const bool soon = !done.ok() || ready_.empty();
    const absl::Duration wait = soon ? std::min(interval_, kAgain) : interval_;
    const Status slept = co_await parts_.scheduler.SleepFor(wait);
    if (!slept.ok()) co_return;
  }
}

void LeaverLoop::LookAtLinks() {
  std::vector<LinkPort*> ready;
  std::vector<std::string> waits_for;
  for (LinkPort* link : links_) {
    if (link->State()->baseline_at) {
      ready.push_back(link);
    } else {
      waits_for.push_back(link->link().value);
    }
  }
  if (ready != ready_) {
    stamp_ = Stamp();
    if (!ready.empty() && !waits_for.empty()) {
      parts_.log.Warn("leavers_wait",
                      Cat("expected leavers are not looked up in ", JoinStrings(waits_for, ", "),
                          " before both sides were read completely; see driftwarden status"),
                      {});
    }
  }
  ready_ = std::move(ready);
  const std::lock_guard lock(mutex_);
  report_.waits_for = std::move(waits_for);
}

StatusOr<LeaverLoop::Stamp> LeaverLoop::LookAtFile() const {
  struct stat seen {};
  if (::stat(path_.c_str(), &seen) != 0) {
    const int error = errno;
    return NotFoundError(Cat(path_, ": ", SystemErrorText(error)));
  }
  if (!S_ISREG(seen.st_mode)) return NotFoundError(Cat(path_, " is not a file"));
  Stamp stamp;
  stamp.modified = int64_t{seen.st_mtim.tv_sec} * 1'000'000'000 + seen.st_mtim.tv_nsec;
  stamp.size = seen.st_size;
  stamp.inode = seen.st_ino;
  return stamp;
}

asio::awaitable<Status> LeaverLoop::Once() {
  LookAtLinks();
  if (ready_.empty()) co_return OkStatus();
  auto look = [this] { return LookAtFile(); };
  const auto stamp = co_await OnLane(parts_.lane, std::move(look));
  if (!stamp.ok()) {
    LeaverFile nothing;
    nothing.faults.push_back(Cat("1: cannot be read; ", Message(stamp.status())));
    Publish(nothing);
    stamp_ = Stamp();  // what comes back is read anew
    co_return stamp.status();
  }
  if (!(*stamp == stamp_)) {
    Stamp now = *stamp;
    const Status read = co_await ReadAnew(now);
    co_return read;
  }
  const Status tried = co_await TryWaiting();
  if (!tried.ok()) co_return tried;
  const Status taken_back = co_await TakeBackMissing();
  co_return taken_back;
}

asio::awaitable<Status> LeaverLoop::ReadAnew(Stamp stamp) {
  const absl::Time now = parts_.scheduler.clock().Wall();
  auto read = [this, now]() -> StatusOr<LeaverFile> {
    DW_ASSIGN_OR_RETURN(const std::string text, ReadFile(path_, kMostLeaverBytes));
    return ParseLeavers(text, now);
  };
  auto file = co_await OnLane(parts_.lane, std::move(read));
  if (!file.ok()) {
    LeaverFile nothing;
    nothing.faults.push_back(Cat("1: ", Message(file.status())));
    Publish(nothing);
    co_return file.status();
  }
  waiting_.clear();
  told_.clear();
  identifiers_.clear();
  for (const LeaverRow& row : file->rows) identifiers_.insert(ToLowerAscii(row.identifier));
  stamp_ = Stamp();
  std::vector<LeaverRow> rows = std::move(file->rows);
  const size_t count = rows.size();
  const Status told = co_await Tell(std::move(rows));
  if (!told.ok()) co_return told;  // read anew the next time
  stamp_ = stamp;
  may_take_back_ = !file->unusable && file->bad == 0;
  {
    const std::lock_guard lock(mutex_);
    report_.read_at = now;
    report_.rows = count;
  }
  Publish(*file);
  parts_.log.Info(
      "leavers_read", "the file of expected leavers was read",
      {{"rows", count}, {"unknown", waiting_.size()}, {"bad", file->bad}, {"past", file->past}});
  if (!file->faults.empty()) {
    parts_.log.Warn("leavers_file_faulty", JoinStrings(Report().faults, "; "), {});
  }
  co_return OkStatus();
}

StatusOr<LeaverLoop::Found> LeaverLoop::LookUp(const std::vector<LeaverRow>& rows, size_t begin,
                                               size_t end) const {
  Found found;
  found.words.resize(ready_.size());
  const absl::Time now = parts_.scheduler.clock().Wall();
  for (size_t i = begin; i < end; ++i) {
    const LeaverRow& row = rows[i];
    const auto named = FindNamed(parts_.store, ready_, row.identifier);
    if (!named.ok() && named.status().code() != StatusCode::kNotFound) return named.status();
    if (!named.ok() || named->ambiguous) {
      found.unknown.push_back(row);
      continue;
    }
    LeaveWord word;
    word.leave = {row.identifier, row.effective, row.urgency, row.reference,
                  kActor,         now,           true,        monitor::LeaveEnd::kExpected};
    for (const auto& [port, person] : named->people) {
      const auto at = std::find(ready_.begin(), ready_.end(), port);
      word.person = person;
      found.words[static_cast<size_t>(at - ready_.begin())].push_back(word);
    }
  }
  return found;
}

asio::awaitable<Status> LeaverLoop::Tell(std::vector<LeaverRow> rows) {
  for (size_t begin = 0; begin < rows.size(); begin += kBatch) {
    const size_t end = std::min(begin + kBatch, rows.size());
    auto look = [this, &rows, begin, end] { return LookUp(rows, begin, end); };
    auto found = co_await OnLane(parts_.lane, std::move(look));
    if (!found.ok()) co_return found.status();
    waiting_.insert(waiting_.end(), found->unknown.begin(), found->unknown.end());
    for (size_t i = 0; i < ready_.size(); ++i) {
      if (found->words[i].empty()) continue;
      for (const LeaveWord& word : found->words[i]) {
        told_.emplace(ready_[i]->link().value, word.person);
      }
      std::vector<LeaveWord> words = std::move(found->words[i]);
      const auto told = co_await ready_[i]->ExpectLeavers(std::move(words));
      if (!told.ok()) co_return Annotate(told.status(), ready_[i]->link().value);
    }
  }
  co_return OkStatus();
}

asio::awaitable<Status> LeaverLoop::TryWaiting() {
  std::vector<LeaverRow> rows;
  while (!waiting_.empty() && rows.size() < kWaitingTried) {
    rows.push_back(std::move(waiting_.front()));
    waiting_.pop_front();
  }
  if (rows.empty()) co_return OkStatus();
  const Status told = co_await Tell(std::move(rows));
  if (!told.ok()) stamp_ = Stamp();  // some are lost: everything is read anew
  const std::lock_guard lock(mutex_);
  report_.unknown = waiting_.size();
  co_return told;
}

StatusOr<std::vector<PersonOrdinal>> LeaverLoop::MissingOf(const monitor::LinkName& link) const {
  constexpr size_t kPage = 500;
  std::vector<PersonOrdinal> missing;
  store::PeopleFilter filter;
  filter.expected = true;
  std::string cursor;
  do {
    DW_ASSIGN_OR_RETURN(const auto page, parts_.store.ListPeople(link, filter, cursor, kPage));
    for (const monitor::Person& person : page.items) {
      const monitor::ExpectedLeave& leave = *person.memory.leave;
      if (!leave.from_file || told_.contains({link.value, person.ordinal})) continue;
      if (identifiers_.contains(ToLowerAscii(leave.identifier))) continue;
      missing.push_back(person.ordinal);
    }
    cursor = page.next_cursor;
  } while (!cursor.empty());
  return missing;
}

asio::awaitable<Status> LeaverLoop::TakeBackMissing() {
  if (!may_take_back_) co_return OkStatus();
  for (LinkPort* link : ready_) {
    auto look = [this, link] { return MissingOf(link->link()); };
    const auto missing = co_await OnLane(parts_.lane, std::move(look));
    if (!missing.ok()) co_return missing.status();
    for (const PersonOrdinal person : *missing) {
      std::string actor = kActor;
      const Status done = co_await link->WithdrawLeaver(person, std::move(actor), true);
      if (!done.ok() && done.code() != StatusCode::kNotFound) co_return done;
    }
  }
  may_take_back_ = false;
  co_return OkStatus();
}

void LeaverLoop::Publish(const LeaverFile& file) {
  const std::lock_guard lock(mutex_);
  report_.unknown = waiting_.size();
  report_.past = file.past;
  report_.faults.clear();
  for (const std::string& fault : file.faults) report_.faults.push_back(Cat(path_, ":", fault));
}

LeaverFileReport LeaverLoop::Report() const {
  const std::lock_guard lock(mutex_);
  return report_;
}

}  // namespace driftwarden::daemon
