#pragma once

// The chain of evidence, as pure functions: each entry's hash covers its content and its
// predecessor's hash, so that a change, a removal or a reordering shows.

#include <string>

#include "base/status.h"
#include "monitor/person.h"

namespace driftwarden::monitor {

// Fills seq, previous and hash, and moves the link's head.
void ChainEvidence(LinkState& link, EvidenceEntry& entry);

// The bytes that are hashed: a format byte, then every field but `hash`, unambiguous.
std::string CanonicalEvidence(const EvidenceEntry& entry);

// Checks one entry against its predecessor (seq 0 and zero hash before the first). DataLoss names
// the link, the sequence number and what differs.
Status VerifyEvidence(const EvidenceEntry& entry, uint64_t previous_seq,
                      const Sha256Digest& previous_hash);

}  // namespace driftwarden::monitor
