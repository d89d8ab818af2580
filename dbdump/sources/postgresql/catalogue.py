"""Queries of PostgreSQL's catalogue; each takes the names of schemas as its parameter."""

RELATIONS = """
SELECT c.oid, n.nspname, c.relname, c.relkind::text,
       CASE WHEN c.relkind IN ('v', 'm') THEN pg_get_viewdef(c.oid) END,
       obj_description(c.oid, 'pg_class'),
       CASE WHEN c.reltuples >= 0 THEN c.reltuples::int8 END,
       CASE WHEN c.relkind IN ('r', 'm') THEN pg_table_size(c.oid)::int8 END,
       CASE WHEN c.relkind = 'p' THEN pg_get_partkeydef(c.oid) END,
       (SELECT string_agg(i.inhparent::regclass::text, ', ' ORDER BY i.inhseqno)
        FROM pg_inherits i WHERE i.inhrelid = c.oid)
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p', 'm', 'v') AND NOT c.relispartition
ORDER BY n.nspname COLLATE "C", c.relname COLLATE "C"
"""
"""Tables, partitioned tables, materialized views and views; partitions are no tables of their own."""

COLUMNS = """
WITH RECURSIVE base(domain, type, modifier) AS (
  SELECT t.oid, t.typbasetype, t.typtypmod FROM pg_type t WHERE t.typtype = 'd'
  UNION ALL
  SELECT b.domain, t.typbasetype, CASE WHEN b.modifier >= 0 THEN b.modifier ELSE t.typtypmod END
  FROM base b JOIN pg_type t ON t.oid = b.type WHERE t.typtype = 'd'
)
SELECT a.attrelid, a.attname, format_type(a.atttypid, a.atttypmod),
       t.typname, t.typnamespace = 'pg_catalog'::regnamespace, coalesce(b.modifier, a.atttypmod),
       a.attnotnull, pg_get_expr(d.adbin, d.adrelid), a.attidentity::text, a.attgenerated <> '',
       col_description(a.attrelid, a.attnum)
FROM pg_attribute a
JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN (base b JOIN pg_type bt ON bt.oid = b.type AND bt.typtype <> 'd') ON b.domain = a.atttypid
JOIN pg_type t ON t.oid = coalesce(b.type, a.atttypid)
LEFT JOIN pg_attrdef d ON d.adrelid = a.attrelid AND d.adnum = a.attnum
WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p', 'm', 'v') AND NOT c.relispartition
  AND a.attnum > 0 AND NOT a.attisdropped
ORDER BY a.attrelid, a.attnum
"""

KEYS = """
SELECT k.conrelid, k.contype::text, k.conname,
       ARRAY(SELECT a.attname::text FROM unnest(k.conkey) WITH ORDINALITY u(number, place)
             JOIN pg_attribute a ON a.attrelid = k.conrelid AND a.attnum = u.number ORDER BY u.place),
       tn.nspname, tc.relname,
       ARRAY(SELECT a.attname::text FROM unnest(k.confkey) WITH ORDINALITY u(number, place)
             JOIN pg_attribute a ON a.attrelid = k.confrelid AND a.attnum = u.number ORDER BY u.place),
       pg_get_constraintdef(k.oid)
FROM pg_constraint k
JOIN pg_class c ON c.oid = k.conrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_class tc ON tc.oid = nullif(k.confrelid, 0) LEFT JOIN pg_namespace tn ON tn.oid = tc.relnamespace
WHERE n.nspname = ANY(%s) AND k.contype IN ('p', 'u', 'f', 'c', 'x')
  AND c.relkind IN ('r', 'p') AND NOT c.relispartition
ORDER BY k.conrelid, array_position('{p,u,f,c,x}', k.contype), k.conname COLLATE "C"
"""

INDEXES = """
SELECT x.indrelid, i.relname, x.indisunique,
       ARRAY(SELECT CASE WHEN u.number <> 0 THEN a.attname::text ELSE pg_get_indexdef(x.indexrelid, u.place::int, true)
                    END
             FROM unnest(x.indkey::int2[]) WITH ORDINALITY u(number, place)
             LEFT JOIN pg_attribute a ON a.attrelid = x.indrelid AND a.attnum = u.number AND u.number <> 0
             WHERE u.place <= x.indnkeyatts ORDER BY u.place),
       x.indexprs IS NOT NULL OR x.indpred IS NOT NULL, pg_get_indexdef(x.indexrelid)
FROM pg_index x
JOIN pg_class i ON i.oid = x.indexrelid
JOIN pg_class c ON c.oid = x.indrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition
  AND NOT EXISTS (SELECT FROM pg_constraint k WHERE k.conindid = x.indexrelid AND k.conrelid = x.indrelid
                                                AND k.contype IN ('p', 'u', 'x'))
ORDER BY x.indrelid, i.relname COLLATE "C"
"""
"""An index over some rows only counts as one with expressions: it says nothing about all rows."""

GRANTS = """
SELECT c.oid, coalesce(r.rolname::text, 'PUBLIC'), g.privilege_type || CASE WHEN g.is_grantable
       THEN ' WITH GRANT OPTION' ELSE '' END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL aclexplode(c.relacl) g
LEFT JOIN pg_roles r ON r.oid = g.grantee
WHERE n.nspname = ANY(%s) AND c.relkind IN ('r', 'p', 'm') AND NOT c.relispartition
ORDER BY c.oid, coalesce(r.rolname::text, 'PUBLIC') COLLATE "C", g.privilege_type COLLATE "C"
"""

PARTITIONS = """
SELECT c.oid, l.oid::regclass::text, pg_get_expr(l.relpartbound, l.oid),
       CASE WHEN l.reltuples >= 0 THEN l.reltuples::int8 END,
       CASE WHEN l.relkind = 'r' THEN pg_table_size(l.oid)::int8 END
FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
CROSS JOIN LATERAL pg_partition_tree(c.oid) t
JOIN pg_class l ON l.oid = t.relid
WHERE n.nspname = ANY(%s) AND c.relkind = 'p' AND NOT c.relispartition AND t.isleaf AND t.relid <> c.oid
ORDER BY c.oid, l.oid::regclass::text COLLATE "C"
"""

WARNINGS = """
WITH chosen AS (SELECT oid, nspname FROM pg_namespace WHERE nspname = ANY(%s)),
relation AS (SELECT c.*, n.nspname || '.' || c.relname AS shown
             FROM pg_class c JOIN chosen n ON n.oid = c.relnamespace)
SELECT shown || ': a foreign table: its rows lie on another server and are not dumped'
FROM relation WHERE relkind = 'f' AND NOT relispartition
UNION ALL
SELECT r.shown || ': it inherits from ' || i.inhparent::regclass::text || ': each has its own rows in the image'
FROM relation r JOIN pg_inherits i ON i.inhrelid = r.oid WHERE r.relkind = 'r' AND NOT r.relispartition
UNION ALL
SELECT shown || ': its rows are protected (row security): an account that does not see all of them cannot dump it'
FROM relation WHERE relrowsecurity AND relkind IN ('r', 'p')
UNION ALL
SELECT shown || ': no right to read it' FROM relation
WHERE relkind IN ('r', 'p', 'm') AND NOT relispartition AND NOT has_table_privilege(oid, 'SELECT')
UNION ALL
SELECT shown || ': an unlogged table: it is empty after a crash of the server' FROM relation
WHERE relpersistence = 'u' AND relkind IN ('r', 'm') AND NOT relispartition
UNION ALL
SELECT shown || ': a materialized view that was never filled: REFRESH it, or leave it out with --exclude'
FROM relation WHERE relkind = 'm' AND NOT relispopulated
ORDER BY 1
"""
