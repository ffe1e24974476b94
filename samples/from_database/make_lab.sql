-- Material samples of a laboratory: for SQLite and for PostgreSQL alike.
CREATE TABLE samples (
    id text PRIMARY KEY,
    material text NOT NULL,
    width double precision NOT NULL,
    approved integer NOT NULL
);
INSERT INTO samples (id, material, width, approved) VALUES
    ('s01', 'steel', 1.25, 1),
    ('s02', 'steel', 1.5, 1),
    ('s03', 'brass', 1.25, 0),
    ('s04', 'brass', 1.75, 1),
    ('s05', 'wood', 2.5, 1),
    ('s06', 'wood', 0.0000001, 0),
    ('s07', 'steel', 2, 1),
    ('s08', 'brass', 3, 1);

-- What each sample is tried with.
CREATE TABLE loads (id text PRIMARY KEY, load_kn double precision NOT NULL);
INSERT INTO loads (id, load_kn) VALUES ('light', 0.5), ('heavy', 10);
