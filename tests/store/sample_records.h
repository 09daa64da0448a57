#pragma once

// Records for the store's tests: one fixed sample of each (golden files hold their bytes) and
// random ones from a seed.

#include <string>

#include "base/rng.h"
#include "monitor/apply.h"
#include "monitor/residue.h"

namespace driftwarden::store {

absl::Time At(int64_t seconds);  // after 2026-01-01T00:00:00Z

// Every field set, each to a value of its own.
monitor::Person SamplePerson();
monitor::Episode SampleEpisode();
monitor::Action SampleAction();
monitor::Incident SampleIncident();
monitor::EvidenceEntry SampleEvidence();
monitor::LinkState SampleLinkState();
monitor::Residue SampleResidue();

monitor::Person RandomPerson(Rng& rng);
monitor::Episode RandomEpisode(Rng& rng);
monitor::Action RandomAction(Rng& rng);
monitor::Incident RandomIncident(Rng& rng);
monitor::EvidenceEntry RandomEvidence(Rng& rng);
monitor::LinkState RandomLinkState(Rng& rng);

// An ordinary person with both halves: guid, SID, names and ids follow from the ordinal.
monitor::Person PlainPerson(monitor::PersonOrdinal ordinal);
std::string UpnOf(monitor::PersonOrdinal ordinal);
monitor::Guid GuidOf(monitor::PersonOrdinal ordinal);

// Sets the link's counters and next numbers to what `people` (all of the link's) say.
void Recount(monitor::LinkState& link, const std::vector<monitor::Person>& people);

}  // namespace driftwarden::store
