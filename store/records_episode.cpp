#include "store/records_episode.h"

#include <algorithm>
#include <iterator>

#include "store/record_fields.h"
#include "store/records.h"

namespace driftwarden::store {

using monitor::Episode;
using monitor::EpisodeKind;

namespace {

constexpr uint8_t kEpisodeFormat = 1;

void PutKind(ByteWriter& out, const EpisodeKind& kind) {
  PutEnum(out, kind.kind);
  PutEnum(out, kind.severity);
  PutTime(out, kind.since);
  PutTime(out, kind.opened);
  PutOptional(out, kind.cleared, PutTime);
}

EpisodeKind GetKind(ByteReader& in) {
  EpisodeKind kind;
  kind.kind = GetEnum(in, monitor::DriftKind::kDisableLag, monitor::kLastDriftKind);
  kind.severity = GetEnum(in, monitor::Severity::kInfo, monitor::Severity::kCritical);
  kind.since = GetTime(in);
  kind.opened = GetTime(in);
  kind.cleared = GetOptional(in, GetTime);
  return kind;
}

monitor::EpisodeResult GetResult(ByteReader& in) {
  return GetEnum(in, monitor::EpisodeResult::kConverged, monitor::EpisodeResult::kExempt);
}

}  // namespace

monitor::State GetState(ByteReader& in) {
  const auto state = static_cast<monitor::State>(in.U8());
  const bool known = std::find(std::begin(monitor::kAllStates), std::end(monitor::kAllStates),
                               state) != std::end(monitor::kAllStates);
  if (!known) in.Fail();
  return known ? state : monitor::State::kUnlinked;
}

void PutEpisodeFields(ByteWriter& out, const Episode& episode) {
  out.Bytes(episode.id.value);
  out.Bytes(episode.link.value);
  out.Varint(episode.person);
  out.Bytes(episode.tier.value);
  PutEnum(out, episode.phase);
  PutBounds(out, episode.departed);
  out.Bool(episode.deleted_in_ad);
  PutTime(out, episode.opened);
  PutList(out, episode.kinds, PutKind);
  PutOptional(out, episode.entra_disabled, PutBounds);
  PutOptional(out, episode.revoked, PutTime);
  PutOptional(out, episode.result, PutEnum<monitor::EpisodeResult>);
  PutOptional(out, episode.closed, PutTime);
  out.Varint(episode.revokes);
  out.Varint(episode.seals);
  out.Bool(episode.containment_failed);
}

Episode GetEpisodeFields(ByteReader& in) {
  Episode episode;
  episode.id.value = in.Bytes();
  episode.link.value = in.Bytes();
  episode.person = in.Varint();
  episode.tier.value = in.Bytes();
  episode.phase = GetState(in);
  episode.departed = GetBounds(in);
  episode.deleted_in_ad = in.Bool();
  episode.opened = GetTime(in);
  GetList(in, [&episode](ByteReader& each) { episode.kinds.push_back(GetKind(each)); });
  episode.entra_disabled = GetOptional(in, GetBounds);
  episode.revoked = GetOptional(in, GetTime);
  episode.result = GetOptional(in, GetResult);
  episode.closed = GetOptional(in, GetTime);
  episode.revokes = GetVarint32(in);
  episode.seals = GetVarint32(in);
  episode.containment_failed = in.Bool();
  return episode;
}

std::string EncodeEpisode(const Episode& episode) {
  ByteWriter out = BeginRecord(kEpisodeFormat);
  PutEpisodeFields(out, episode);
  return out.Take();
}

StatusOr<Episode> DecodeEpisode(std::string_view key, std::string_view bytes) {
  ByteReader in(bytes);
  const auto format = ReadFormat(in, kEpisodeFormat, Family::kEpisodes, key);
  if (!format.ok()) return format.status();
  Episode episode = GetEpisodeFields(in);
  DW_RETURN_IF_ERROR(EndRecord(in, Family::kEpisodes, key));
  return episode;
}

}  // namespace driftwarden::store
