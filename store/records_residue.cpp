#include "store/records_residue.h"

#include "store/record_fields.h"

namespace driftwarden::store {

using monitor::Residue;
using monitor::ResidueArea;
using monitor::ResidueFindings;
using monitor::ResidueItem;
using monitor::ResidueOutcome;

namespace {

constexpr uint8_t kResidueFormat = 1;

void PutResidueItem(ByteWriter& out, const ResidueItem& item) {
  out.Bytes(item.id);
  out.Bytes(item.name);
  out.Bytes(item.kind);
  out.Bytes(item.detail);
  PutOptional(out, item.at, PutTime);
}

ResidueItem GetResidueItem(ByteReader& in) {
  ResidueItem item;
  item.id = in.Bytes();
  item.name = in.Bytes();
  item.kind = in.Bytes();
  item.detail = in.Bytes();
  item.at = GetOptional(in, GetTime);
  return item;
}

ResidueFindings GetResidueFindings(ByteReader& in) {
  ResidueFindings findings;
  findings.outcome = GetEnum(in, ResidueOutcome::kNotRead, ResidueOutcome::kFailed);
  findings.at = GetTime(in);
  findings.detail = in.Bytes();
  GetList(in, [&findings](ByteReader& each) { findings.items.push_back(GetResidueItem(each)); });
  findings.complete = in.Bool();
  return findings;
}

}  // namespace

std::string EncodeResidue(const Residue& residue) {
  ByteWriter out = BeginRecord(kResidueFormat);
  out.Varint(residue.person);
  out.Bytes(residue.entra_id);
  PutTime(out, residue.read);
  out.Varint(residue.areas.size());
  for (const auto& [area, findings] : residue.areas) {
    PutEnum(out, area);
    PutEnum(out, findings.outcome);
    PutTime(out, findings.at);
    out.Bytes(findings.detail);
    PutList(out, findings.items, PutResidueItem);
    out.Bool(findings.complete);
  }
  return out.Take();
}

StatusOr<Residue> DecodeResidue(std::string_view key, std::string_view bytes) {
  ByteReader in(bytes);
  const auto format = ReadFormat(in, kResidueFormat, Family::kMeta, key);
  if (!format.ok()) return format.status();
  Residue residue;
  residue.person = in.Varint();
  residue.entra_id = in.Bytes();
  residue.read = GetTime(in);
  GetList(in, [&residue](ByteReader& each) {
    const ResidueArea area = GetEnum(each, ResidueArea::kDirectoryRoles, ResidueArea::kMethods);
    if (!residue.areas.emplace(area, GetResidueFindings(each)).second) each.Fail();
  });
  DW_RETURN_IF_ERROR(EndRecord(in, Family::kMeta, key));
  return residue;
}

}  // namespace driftwarden::store
