// What each budget means when it is broken, and what to do then. By the name of the figure that broke it.

export const MEANINGS: Readonly<Record<string, string>> = {
  wrong:
    'Somebody was told another color or photo than theirs. Nothing else matters: stop the release, ' +
    'and read what was said of it, at the end of the report.',
  stale_unmarked:
    'An answer was older than it may be and did not say so. Stop the release: look at clocks, the ' +
    'relay and the feed.',
  photos_wrong: 'The bytes of a photo were not those of its id. Stop the release.',
  dropped_iterations:
    'The generator had nobody free to send, so what it measured is not the whole load. Lower the ' +
    'rate, or give it more CPU.',
  generator_late:
    'The generator let people in too late. Its figures are its own, and not the service’s: lower the ' +
    'rate, or give it more CPU.',
  generator_cpu_high:
    'The generator had no CPU left. Its figures are its own: lower the rate, or use more machines ' +
    '(loadtest/k8s).',
  retries_forgotten:
    'More people had to come back than the script can keep in mind: most of the load was failing.',
  shed:
    'People were refused at the door at a load that must be carried: more processes, or less around ' +
    'them.',
  failed:
    'People got no answer. Look at outcomes by reason in /metrics: unavailable, or past the ' +
    'deadline.',
  gave_up: 'People had no answer after coming back three times.',
  photos_failed: 'Photos could not be had. Look at the source and the photo budgets.',
  photos_shed:
    'Photos were refused at a load that must be carried: they are the first to go. More processes, ' +
    'or a larger photo budget.',
  stale_marked:
    'More than one answer in a hundred said that it may be old: nobody was told a lie, but changes ' +
    'do not reach the processes. Look at the relay’s lag, the age of the feed, and Redis.',
  people_answered: 'Not everybody was answered once, as this run promises.',
  http_in_time: 'More than one phone in a hundred waited too long.',
  grpc_in_time: 'More than one gate in a hundred waited too long.',
  visible_in_time:
    'A change took too long to show. Look at the relay’s lag and the age of the feed.',
  from_memory: 'Memory answered next to nothing: this run did not test it.',
  from_redis: 'Redis answered next to nothing: this run did not test it.',
  not_good: 'More than one in a hundred was not answered in time on this step.',
  source_queries_per_s:
    'All processes together asked the source more often than it was promised: one of them keeps ' +
    'less to its part than it says.',
  source_in_flight:
    'All processes together had more queries under way than the source was promised: one of them ' +
    'keeps less to its part than it says.',
  source_counted:
    'The source could not be asked how often it was asked, so its budget was not seen to hold.',
  changes_late:
    'The runner made its changes too late, so answers were judged by the wrong times. Run it again ' +
    'on a quieter machine.',
  changes_made: 'Nothing was changed, so nothing was seen of changes.',
  memory_slope: 'The services’ memory grows. Take heap snapshots an hour apart before releasing.',
  descriptors: 'The services hold more and more descriptors: connections or files leak.',
  p99_drift: 'Answers grew slower during the run.',
  ended_in_time:
    'The script did not come to its end, and was ended: what is told is of the time until then. Look ' +
    'for gates whose streams stay open, and for a generator without CPU.',
  processes:
    'A process ended that was not told to. Read the last lines of all, at the end of the report.',
  others_p99:
    'The others paid for the one whom all ask about: their slowest in a hundred waited longer than ' +
    'with nobody hot.',
  hot_source: 'The source was asked about somebody whose records travel on the feed.',
  goodput:
    'Under overload too little was answered in time: refusals cost too much, or admission lets too ' +
    'many in.',
  refusals:
    'Nobody was refused, so nothing was overloaded: a larger flood, or less CPU for the services.',
  refusals_in_time: 'Refusals came late: who is refused must hear it at once, to come back later.',
  flood_failed:
    'Of the flood some got neither an answer nor a refusal: connections were cut, or nobody spoke for ten seconds.',
  gates_as_before:
    'While phones flooded, fewer gates were answered than before: it is phones that must be shed first.',
  capacity_found:
    'What the services can answer was not found: the stairs were not high enough, or the generator gave way first.',
  overload_times:
    'The flood was not ten times what can be answered: the generator had no time, or the services ' +
    'answered too slowly for its connections. The rest says little.',
  recovery_s: 'After the overload it took too long until the ordinary load was answered as before.',
  memory_after: 'After the overload memory did not come back to where it was.',
  admission_cost:
    'With admission the highest rate is much lower than without: it refuses what could be answered.',
  suspect: 'A process did not notice that nobody tells it of changes. Stop the release.',
  suspect_cpu:
    'Answers that may be behind cost much more than others: revalidation takes more than its budget.',
  fresh_again: 'After the relays were back it took too long until answers were fresh.',
  capacity:
    'The limit is not where the CPU that its low steps took lets expect it: something else ended it, ' +
    'or too few steps were low to tell.',
};
