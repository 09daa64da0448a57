#pragma once

// The part of a link's record that holds its causes, and the counts they are found by.

#include "base/bytes.h"
#include "monitor/cause_records.h"

namespace driftwarden::store {

void PutCauseBook(ByteWriter& out, const monitor::CauseBook& book);
monitor::CauseBook GetCauseBook(ByteReader& in);

}  // namespace driftwarden::store
