#include "store/records_causes.h"

#include "store/record_fields.h"

namespace driftwarden::store {

using monitor::CauseBook;
using monitor::CauseKind;
using monitor::LinkCause;
using monitor::RecentSlice;
using monitor::WaitingSlice;

namespace {

void PutCause(ByteWriter& out, const LinkCause& cause) {
  out.Varint(cause.number);
  PutEnum(out, cause.kind);
  out.Bytes(cause.subject);
  PutTime(out, cause.since);
  PutTime(out, cause.until);
  PutTime(out, cause.opened);
  out.Varint(cause.people);
  out.Bytes(cause.detail);
  PutOptional(out, cause.ends_at, PutTime);
  PutOptional(out, cause.ended_at, PutTime);
  PutList(out, cause.announced, PutTexts);
  PutEnum(out, cause.severity);
  PutTime(out, cause.counted_at);
}

LinkCause GetCause(ByteReader& in) {
  LinkCause cause;
  cause.number = in.Varint();
  cause.kind = GetEnum(in, CauseKind::kSourceStale, monitor::kLastCauseKind);
  cause.subject = in.Bytes();
  cause.since = GetTime(in);
  cause.until = GetTime(in);
  cause.opened = GetTime(in);
  cause.people = in.Varint();
  cause.detail = in.Bytes();
  cause.ends_at = GetOptional(in, GetTime);
  cause.ended_at = GetOptional(in, GetTime);
  GetList(in, [&cause](ByteReader& each) { cause.announced.push_back(GetTexts(each)); });
  cause.severity = GetEnum(in, monitor::Severity::kInfo, monitor::Severity::kCritical);
  cause.counted_at = GetTime(in);
  return cause;
}

void PutRecent(ByteWriter& out, const RecentSlice& slice) {
  PutTime(out, slice.from);
  out.Varint(slice.count);
  PutTime(out, slice.counted);
}

std::vector<RecentSlice> GetRecents(ByteReader& in) {
  std::vector<RecentSlice> slices;
  GetList(in, [&slices](ByteReader& each) {
    RecentSlice slice;
    slice.from = GetTime(each);
    slice.count = each.Varint();
    slice.counted = GetTime(each);
    slices.push_back(slice);
  });
  return slices;
}

void PutWaiting(ByteWriter& out, const WaitingSlice& slice) {
  PutTime(out, slice.from);
  PutTime(out, slice.upto);
  out.U64(static_cast<uint64_t>(slice.people));
}

WaitingSlice GetWaiting(ByteReader& in) {
  WaitingSlice slice;
  slice.from = GetTime(in);
  slice.upto = GetTime(in);
  slice.people = static_cast<int64_t>(in.U64());
  return slice;
}

}  // namespace

void PutCauseBook(ByteWriter& out, const CauseBook& book) {
  out.Varint(book.next);
  PutList(out, book.causes, PutCause);
  PutList(out, book.departures, PutRecent);
  PutList(out, book.scope_exits, PutRecent);
  PutList(out, book.waiting, PutWaiting);
  out.Bool(book.waiting_known);
  PutTime(out, book.carried);
  PutOptional(out, book.previous_sync, PutTime);
  PutTime(out, book.tenant_read);
}

CauseBook GetCauseBook(ByteReader& in) {
  CauseBook book;
  book.next = in.Varint();
  GetList(in, [&book](ByteReader& each) { book.causes.push_back(GetCause(each)); });
  book.departures = GetRecents(in);
  book.scope_exits = GetRecents(in);
  GetList(in, [&book](ByteReader& each) { book.waiting.push_back(GetWaiting(each)); });
  book.waiting_known = in.Bool();
  book.carried = GetTime(in);
  book.previous_sync = GetOptional(in, GetTime);
  book.tenant_read = GetTime(in);
  return book;
}

}  // namespace driftwarden::store
