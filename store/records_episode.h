#pragma once

// Parts of records that more than one record holds.

#include "base/bytes.h"
#include "monitor/verdict.h"

namespace driftwarden::store {

monitor::State GetState(ByteReader& in);  // fails on numbers that are no state
void PutEpisodeFields(ByteWriter& out, const monitor::Episode& episode);
monitor::Episode GetEpisodeFields(ByteReader& in);

}  // namespace driftwarden::store
