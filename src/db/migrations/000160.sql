-- What earlier builds converted by a replay was settled on the day of the replay; a caller's other calls are judged
-- by when it converted, which is when it was posted or, by its duration, when it ended.
update calls
   set settled_at = greatest(calls.ended_at, replayed.received_at)
  from (select s.call_uuid, p.received_at
          from settlements s
          left join postbacks p on p.call_uuid = s.call_uuid and p.postback_id = s.postback_id
         where s.kind = 'late_conversion' and s.replay_id is not null) replayed
 where calls.call_uuid = replayed.call_uuid and calls.conversion = 'converted';
