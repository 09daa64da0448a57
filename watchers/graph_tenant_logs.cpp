#include "watchers/graph_tenant_logs.h"

#include <algorithm>
#include <utility>

#include "base/strings.h"
#include "watchers/graph/retry_after.h"

namespace driftwarden::watchers {
namespace {

using graph::GraphReply;
using monitor::LogLimit;
using monitor::LogLook;
using monitor::TenantLog;

constexpr uint64_t kMaxPages = 400;
constexpr size_t kTop = 500;  // records of a page; each may have some kilobytes
constexpr char kAuditLog[] = "AuditLog.Read.All";

struct Unread {
  const char* name;
  std::string_view lost;
};

Unread UnreadOf(TenantLog log) {
  switch (log) {
    case TenantLog::kDirectoryAudits:
      return {kAuditsUnread, "who disabled, enabled or revoked, and when, is not known"};
    case TenantLog::kProvisioning:
      return {kProvisioningLogUnread, "when Cloud Sync carried a change is not known"};
    case TenantLog::kInteractiveSignIns:
      return {kSignInsUnread, "whether somebody signs in after the disable is not known"};
    case TenantLog::kNonInteractiveSignIns:
      break;
  }
  return {kTokenRefreshesUnread,
          "whether a client goes on with its session after the disable is not known"};
}

std::string MendOf(LogLimit limit) {
  switch (limit) {
    case LogLimit::kPermission:
      return Cat("; grant the application ", kAuditLog);
    case LogLimit::kLicence:
      return "; it needs a licence of Entra ID P1 or P2";
    case LogLimit::kUnsupported:
    case LogLimit::kNone:
    case LogLimit::kSwitchedOff:
      break;
  }
  return "; this cloud or tenant does not offer it";
}

bool IsSignIns(TenantLog log) {
  return log == TenantLog::kInteractiveSignIns || log == TenantLog::kNonInteractiveSignIns;
}

std::string_view RouteOf(TenantLog log) {
  switch (log) {
    case TenantLog::kDirectoryAudits:
      return "directory_audits";
    case TenantLog::kProvisioning:
      return "provisioning_log";
    case TenantLog::kInteractiveSignIns:
    case TenantLog::kNonInteractiveSignIns:
      break;
  }
  return "sign_ins";
}

// Told by the code; the text is only for tenants whose code says no more than "forbidden".
LogLimit RefusedAs(const graph::GraphError& error) {
  const bool licence = ToLowerAscii(error.code).find("premium") != std::string::npos ||
                       ToLowerAscii(error.message).find("premium") != std::string::npos;
  return licence ? LogLimit::kLicence : LogLimit::kPermission;
}

bool IsPlainId(std::string_view id) {
  return !id.empty() && id.size() <= 64 && std::all_of(id.begin(), id.end(), [](char c) {
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-';
  });
}

}  // namespace

GraphTenantLogs::GraphTenantLogs(monitor::SourceName name, graph::GraphClient& client,
                                 Scheduler& scheduler, std::shared_ptr<TenantSight> sight,
                                 Logger& log)
    : name_(std::move(name)),
      client_(client),
      pace_(scheduler),
      sight_(std::move(sight)),
      log_(log) {
  filters_[TenantLog::kProvisioning] = Filter::kTime;  // it has no other
}

std::string GraphTenantLogs::TextOf(const Place& place) {
  return Cat(absl::ToUnixMicros(place.asked), " ", place.pages, " ", place.link);
}

StatusOr<GraphTenantLogs::Place> GraphTenantLogs::ReadPlace(const std::string& text) {
  Place place;
  if (text.empty()) return place;
  const size_t first = text.find(' ');
  const size_t second = text.find(' ', first + 1);
  const auto micros = ParseInt64(text.substr(0, first));
  const auto pages = second == std::string::npos
                         ? std::nullopt
                         : ParseUint64(text.substr(first + 1, second - first - 1));
  if (!micros || !pages) return InvalidError("no place in a log");
  place.asked = absl::FromUnixMicros(*micros);
  place.pages = *pages;
  place.link = text.substr(second + 1);
  return place;
}

std::string GraphTenantLogs::UrlOf(const Question& question, Filter filter) const {
  const std::string since = FormatRfc3339(question.from);
  const std::string top = Cat("$top=", kTop);
  switch (question.log) {
    case TenantLog::kDirectoryAudits: {
      std::string clause = Cat("activityDateTime ge ", since);
      if (filter == Filter::kWhole) clause += " and category eq 'UserManagement'";
      const std::string with = Cat("&$filter=", graph::PathSegment(clause));
      return Cat("/auditLogs/directoryAudits?", top, filter == Filter::kNone ? "" : with);
    }
    case TenantLog::kProvisioning: {
      const std::string clause =
          Cat("activityDateTime gt ", FormatRfc3339(question.from - absl::Seconds(1)));
      const std::string with = Cat("&$filter=", graph::PathSegment(clause));
      return Cat("/auditLogs/provisioning?", top, filter == Filter::kNone ? "" : with);
    }
    case TenantLog::kInteractiveSignIns:
    case TenantLog::kNonInteractiveSignIns:
      break;
  }
  std::string clause =
      Cat("createdDateTime ge ", since, " and userId eq '", question.entra_id, "'");
  if (question.log == TenantLog::kInteractiveSignIns) {
    return Cat("/auditLogs/signIns?", top, "&$filter=", graph::PathSegment(clause));
  }
  clause += " and signInEventTypes/any(t: t eq 'nonInteractiveUser')";
  return client_.BetaSignInsUrl(Cat(top, "&$filter=", graph::PathSegment(clause)));
}

std::optional<StatusOr<GraphTenantLogs::Answer>> GraphTenantLogs::Judge(TenantLog log,
                                                                        const GraphReply& reply,
                                                                        bool first) {
  const Status status = graph::ToStatus(reply, TenantLogText(log));
  Answer answer;
  if (reply.status == 403) {
    answer.limit = RefusedAs(reply.error);
  } else if (reply.status == 400 || reply.status == 404 || reply.status == 501) {
    // Of a further page it is the end of its token: the reading begins anew.
    if (!first || reply.error.code.empty()) return UnavailableError(Message(status));
    Filter& filter = filters_[log];
    if (reply.status == 400 && !IsSignIns(log) && filter != Filter::kNone) {
      filter = filter == Filter::kWhole ? Filter::kTime : Filter::kNone;
      log_.Info("tenant_log_filter",
                "the tenant does not take our filter; more is read, and sorted out here",
                {{"source", name_.value}, {"log", TenantLogText(log)}, {"why", Message(status)}});
      return std::nullopt;
    }
    answer.limit = LogLimit::kUnsupported;
  } else {
    return status;
  }
  answer.limit_detail = Printable(Message(status), 300);
  const Unread unread = UnreadOf(log);
  sight_->Raise(unread.name, Cat(unread.lost, MendOf(answer.limit), " (", Message(status), ")"));
  return answer;
}

asio::awaitable<StatusOr<GraphTenantLogs::Answer>> GraphTenantLogs::Ask(Question question,
                                                                        Place* place) {
  const bool first = place->link.empty();
  while (true) {
    const Status turn = co_await pace_.Turn();
    if (!turn.ok()) co_return turn;
    std::string url = first ? UrlOf(question, filters_[question.log]) : place->link;
    graph::GraphRequest request(std::move(url), RouteOf(question.log), graph::Priority::kEvidence);
    request.client_request_id = question.batch;
    auto reply = co_await client_.Send(std::move(request));
    if (!reply.ok()) co_return reply.status();
    if (first) {
      place->asked = reply->at.lo + reply->clock_offset.value_or(absl::ZeroDuration());
    }
    if (reply->ok()) {
      sight_->Lower(UnreadOf(question.log).name);
      Answer answer;
      answer.body = std::move(reply->body);
      co_return answer;
    }
    auto judged = Judge(question.log, *reply, first);
    if (judged.has_value()) co_return *std::move(judged);
  }
}

Status GraphTenantLogs::TurnPage(const Place& place, std::string next_link, bool ended,
                                 LogLook* look, absl::Time from, LogPage* page) const {
  page->next.clear();
  if (ended || next_link.empty()) {
    // Asked from a time that the tenant has not reached: our clock is ahead, and nothing was read.
    if (place.asked >= from) look->covers = TimeBounds{from, place.asked};
    return OkStatus();
  }
  const std::string_view log = TenantLogText(look->log);
  if (next_link == place.link) return DataLossError(Cat(log, ": a page leads to itself"));
  if (place.pages + 1 >= kMaxPages) return DataLossError(Cat(log, ": its pages do not end"));
  Place next;
  next.asked = place.asked;
  next.pages = place.pages + 1;
  next.link = std::move(next_link);
  page->next = TextOf(next);
  return OkStatus();
}

void GraphTenantLogs::NoteLeftOut(std::string_view what, size_t count, const std::string& batch) {
  // What overlaps is read again and again: once is enough.
  if (count == 0 || !left_out_.insert(std::string(what)).second) return;
  log_.Warn("graph_object_flawed", Cat(what, ": ", count, " items without what they need"),
            {{"source", name_.value}, {"batch", batch}});
}

Status GraphTenantLogs::TakeChanges(const Question& question, const Place& place,
                                    const std::string& body, LogLook* look, LogPage* page) {
  const bool audits = question.log == TenantLog::kDirectoryAudits;
  DW_ASSIGN_OR_RETURN(graph::ChangesPage changes, audits ? graph::DecodeDirectoryAudits(body)
                                                         : graph::DecodeProvisioning(body));
  NoteLeftOut(TenantLogText(question.log), changes.left_out, question.batch);
  for (monitor::AuditRecord& record : changes.items) {
    if (record.at >= question.from) look->audits.push_back(std::move(record));
  }
  // The newest come first: behind what is too old there is nothing wanted.
  const bool unfiltered = filters_[question.log] == Filter::kNone;
  const bool ended = unfiltered && changes.oldest < question.from;
  return TurnPage(place, std::move(changes.next_link), ended, look, question.from, page);
}

Status GraphTenantLogs::TakeSignIns(const Question& question, const Place& place,
                                    const std::string& body, LogLook* look, LogPage* page) {
  const bool interactive = question.log == TenantLog::kInteractiveSignIns;
  DW_ASSIGN_OR_RETURN(auto list, graph::DecodeSignIns(body, interactive));
  NoteLeftOut(TenantLogText(question.log), list.left_out, question.batch);
  for (graph::UserSignIn& item : list.items) {
    const bool wanted =
        item.entra_id == ToLowerAscii(question.entra_id) && item.sign_in.at.hi >= question.from;
    if (wanted) look->sign_ins.push_back(std::move(item.sign_in));
  }
  return TurnPage(place, std::move(list.next_link), false, look, question.from, page);
}

asio::awaitable<StatusOr<LogLook>> GraphTenantLogs::ReadPage(Question question, LogPage* page) {
  auto place = ReadPlace(page->next);
  if (!place.ok()) co_return place.status();
  page->next.clear();
  LogLook look;
  look.batch.value = question.batch;
  look.source = name_;
  look.log = question.log;
  look.entra_id = ToLowerAscii(question.entra_id);
  Question asked = question;
  auto answer = co_await Ask(std::move(asked), &*place);
  if (!answer.ok()) co_return answer.status();
  look.limit = answer->limit;
  look.limit_detail = std::move(answer->limit_detail);
  if (look.limit != LogLimit::kNone) co_return look;
  const Status taken = question.entra_id.empty()
                           ? TakeChanges(question, *place, answer->body, &look, page)
                           : TakeSignIns(question, *place, answer->body, &look, page);
  if (!taken.ok()) co_return taken;
  co_return look;
}

asio::awaitable<StatusOr<LogLook>> GraphTenantLogs::ReadChanges(TenantLog log, absl::Time from,
                                                                monitor::BatchId batch,
                                                                LogPage* page) {
  Question question;
  question.log = log;
  question.from = from;
  question.batch = std::move(batch.value);
  auto look = co_await ReadPage(std::move(question), page);
  co_return look;
}

asio::awaitable<StatusOr<LogLook>> GraphTenantLogs::ReadSignIns(TenantLog log, std::string entra_id,
                                                                absl::Time from,
                                                                monitor::BatchId batch,
                                                                LogPage* page) {
  if (!IsPlainId(entra_id)) co_return InvalidError("no Entra id");
  Question question;
  question.log = log;
  question.entra_id = std::move(entra_id);
  question.from = from;
  question.batch = std::move(batch.value);
  auto look = co_await ReadPage(std::move(question), page);
  co_return look;
}

}  // namespace driftwarden::watchers
