"""What is only text: sequences, triggers, functions and procedures, types, rules and policies of rows."""

from dbdump.schema import Code, TableName
from dbdump.sources.postgresql.session import Session

_SEQUENCES = """
SELECT n.nspname, c.relname,
       format(E'CREATE SEQUENCE %%I.%%I AS %%s INCREMENT BY %%s MINVALUE %%s MAXVALUE %%s START WITH %%s CACHE %%s'
              '%%s;\n', n.nspname, c.relname, format_type(s.seqtypid, NULL), s.seqincrement, s.seqmin, s.seqmax,
              s.seqstart, s.seqcache, CASE WHEN s.seqcycle THEN ' CYCLE' ELSE ' NO CYCLE' END)
       || coalesce(format(E'-- last value %%s\n', p.last_value), '')
       || coalesce((SELECT format(E'-- of %%s, column %%s\n', d.refobjid::regclass,
                                  (SELECT attname FROM pg_attribute
                                   WHERE attrelid = d.refobjid AND attnum = d.refobjsubid))
                    FROM pg_depend d WHERE d.objid = c.oid AND d.classid = 'pg_class'::regclass
                      AND d.refclassid = 'pg_class'::regclass AND d.deptype IN ('a', 'i') AND d.refobjsubid > 0
                    LIMIT 1), '')
FROM pg_sequence s JOIN pg_class c ON c.oid = s.seqrelid JOIN pg_namespace n ON n.oid = c.relnamespace
LEFT JOIN pg_sequences p ON p.schemaname = n.nspname AND p.sequencename = c.relname
WHERE n.nspname = ANY(%s)
"""
_TRIGGERS = """
SELECT n.nspname, c.relname || '.' || t.tgname,
       pg_get_triggerdef(t.oid) || E';\n' || CASE WHEN t.tgenabled = 'D' THEN E'-- disabled\n' ELSE '' END
FROM pg_trigger t JOIN pg_class c ON c.oid = t.tgrelid JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%s) AND NOT t.tgisinternal AND t.tgparentid = 0
UNION ALL
SELECT n.nspname, c.relname || '.' || r.rulename, pg_get_ruledef(r.oid) || E'\n'
FROM pg_rewrite r JOIN pg_class c ON c.oid = r.ev_class JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE n.nspname = ANY(%s) AND r.rulename <> '_RETURN'
UNION ALL
SELECT p.schemaname, p.tablename || '.' || p.policyname,
       format(E'CREATE POLICY %%I ON %%I.%%I AS %%s FOR %%s TO %%s%%s%%s;\n', p.policyname, p.schemaname, p.tablename,
              p.permissive, p.cmd, array_to_string(p.roles, ', '), ' USING (' || p.qual || ')',
              ' WITH CHECK (' || p.with_check || ')')
FROM pg_policies p WHERE p.schemaname = ANY(%s)
"""
_SOURCE = """
SELECT n.nspname, p.proname || '(' || pg_get_function_identity_arguments(p.oid) || ')',
       CASE WHEN p.prokind = 'a'
            THEN format(E'-- aggregate %%I.%%I(%%s): transition function %%s\n', n.nspname, p.proname,
                        pg_get_function_identity_arguments(p.oid),
                        (SELECT aggtransfn::text FROM pg_aggregate WHERE aggfnoid = p.oid))
            ELSE pg_get_functiondef(p.oid) END
FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
WHERE n.nspname = ANY(%s)
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_proc'::regclass AND d.objid = p.oid AND d.deptype = 'e')
"""
_TYPES = """
SELECT n.nspname, t.typname,
       CASE t.typtype
       WHEN 'e' THEN format(E'CREATE TYPE %%I.%%I AS ENUM (%%s);\n', n.nspname, t.typname,
                            (SELECT string_agg(quote_literal(e.enumlabel), ', ' ORDER BY e.enumsortorder)
                             FROM pg_enum e WHERE e.enumtypid = t.oid))
       WHEN 'd' THEN format(E'CREATE DOMAIN %%I.%%I AS %%s%%s%%s%%s;\n', n.nspname, t.typname,
                            format_type(t.typbasetype, t.typtypmod), ' DEFAULT ' || t.typdefault,
                            CASE WHEN t.typnotnull THEN ' NOT NULL' ELSE '' END,
                            (SELECT string_agg(format(' CONSTRAINT %%I %%s', k.conname, pg_get_constraintdef(k.oid)), ''
                                               ORDER BY k.conname)
                             FROM pg_constraint k WHERE k.contypid = t.oid AND k.contype = 'c'))
       WHEN 'c' THEN format(E'CREATE TYPE %%I.%%I AS (%%s);\n', n.nspname, t.typname,
                            (SELECT string_agg(format('%%I %%s', a.attname, format_type(a.atttypid, a.atttypmod)), ', '
                                               ORDER BY a.attnum)
                             FROM pg_attribute a WHERE a.attrelid = t.typrelid AND a.attnum > 0 AND NOT a.attisdropped))
       ELSE format(E'CREATE TYPE %%I.%%I AS RANGE (SUBTYPE = %%s);\n', n.nspname, t.typname,
                   (SELECT format_type(r.rngsubtype, NULL) FROM pg_range r WHERE r.rngtypid = t.oid))
       END || CASE WHEN obj_description(t.oid, 'pg_type') IS NULL THEN ''
       ELSE format(E'COMMENT ON %%s %%I.%%I IS %%L;\n', CASE t.typtype WHEN 'd' THEN 'DOMAIN' ELSE 'TYPE' END,
                   n.nspname, t.typname, obj_description(t.oid, 'pg_type')) END
FROM pg_type t JOIN pg_namespace n ON n.oid = t.typnamespace
LEFT JOIN pg_class c ON c.oid = t.typrelid
WHERE n.nspname = ANY(%s) AND (t.typtype IN ('e', 'd', 'r') OR (t.typtype = 'c' AND c.relkind = 'c'))
  AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.classid = 'pg_type'::regclass AND d.objid = t.oid AND d.deptype = 'e')
"""
_EXTENSIONS = """
SELECT n.nspname, e.extname,
       format(E'CREATE EXTENSION %%I WITH SCHEMA %%I VERSION %%L;\n', e.extname, n.nspname, e.extversion)
FROM pg_extension e JOIN pg_namespace n ON n.oid = e.extnamespace WHERE n.nspname = ANY(%s)
"""
_KINDS = {
    "sequences": (_SEQUENCES,),
    "triggers": (_TRIGGERS,),
    "source": (_SOURCE,),
    "types": (_TYPES, _EXTENSIONS),
}


def read_code(session: Session, schemas: list[str]) -> tuple[Code, ...]:
    """Return the texts of some schemas, sorted by kind and name; functions and types of extensions are left out."""
    found = [
        Code(kind, TableName(schema, name), text)
        for kind, queries in _KINDS.items()
        for query in queries
        for schema, name, text in session.rows(query, (schemas,) * query.count("ANY(%s)"))
    ]
    return tuple(sorted(found, key=lambda code: (code.kind, code.name, code.text)))
